"""Which articles tell a story: invented ones one by one, recorded ones in all."""

import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from watchers.echo import story_articles, story_runs, title_of
from watchers.model import Kind, Quote

T0 = datetime(2026, 3, 2, 8, tzinfo=UTC)
NAMES = ("奥岚",)
STORY = [
    "奥岚取暖器半夜冒烟，孩子吓坏了",
    "我家奥岚取暖器也半夜冒烟！插座都黑了",
    "客服说半夜冒烟是正常现象？奥岚你认真的吗",
    "@某人 快看，奥岚取暖器又出事了 https://t.example/1",
]
BEFORE = ["奥岚取暖器打折了", "奥岚取暖器很安静", "今天路过奥岚的新店"] * 20


def article(id_: str, title: str, *, minutes: int = 60, who: str = "示例新闻") -> Quote:
    return Quote(
        source="feed",
        post_id=id_,
        url=f"https://news.example/{id_}",
        text=f"{title}\n正文。",
        who=who,
        followers=None,
        verified=None,
        at=T0 + timedelta(minutes=minutes),
        reposts=None,
        negative=0.5,
        kind=Kind.ARTICLE,
    )


def joined(*articles: Quote, known: tuple[Quote, ...] = ()) -> list[str]:
    found = story_articles(articles, story=STORY, before=BEFORE, names=NAMES, joined=known)
    return [quote.post_id for quote in found]


def test_an_article_with_the_storys_words_joins() -> None:
    assert joined(article("1", "多名用户称奥岚产品半夜冒烟，企业尚未回应")) == ["1"]


def test_what_was_always_said_of_the_client_marks_no_story() -> None:
    assert joined(article("1", "奥岚取暖器双十一销量第一")) == []
    assert not any("取暖" in run for run in story_runs(STORY, BEFORE, NAMES))


def test_an_article_that_takes_over_a_joined_one_joins_too_and_those_after_it() -> None:
    first = article("1", "家电企业回应冒烟传闻：已派工程师上门检查")
    again = article("2", "家电企业回应冒烟传闻 称已派工程师上门检查", minutes=70, who="乙网")
    other = article("3", "家电企业发布年报：营收增长一成", minutes=80, who="丙网")
    assert joined(first, again, other) == []
    assert joined(again, other, known=(first,)) == ["1", "2"]


def test_one_post_is_no_story_and_links_and_mentions_say_nothing() -> None:
    assert not story_runs(STORY[:1], BEFORE, NAMES)
    assert not any("t.ex" in run or "某人" in run for run in story_runs(STORY * 2, [], NAMES))


def test_the_title_is_the_first_line() -> None:
    assert title_of("标题\n正文\n更多") == "标题"


def test_recorded_titles_join_the_recorded_story_they_tell(shared: Path) -> None:
    """Look at the titles yourself: run with -s."""
    folder = shared / "data/microblogs"
    news = read(folder / "news/huawei_baidu_news_2018_2019.jsonl.gz")
    posts = read(folder / "events/huawei_mengwanzhou_2018.jsonl.gz")
    start = min(at for at, _ in posts)
    end = start + timedelta(hours=72)
    titles = [article(str(n), title) for n, (at, title) in enumerate(news) if start <= at < end]
    found = story_articles(
        titles,
        story=[text for at, text in posts if at < end][:100],
        before=[title for at, title in news if at < start][-300:],
        names=("华为",),
    )
    for quote in found:
        print(title_of(quote.text))
    about = [q for q in titles if "孟晚舟" in q.text]
    assert about
    assert all(quote in found for quote in about)
    assert len(found) <= len(titles) / 3


def read(path: Path) -> list[tuple[datetime, str]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    pairs = [(datetime.fromisoformat(r["created_at"]), r.get("text") or r["title"]) for r in rows]
    return sorted(pairs)
