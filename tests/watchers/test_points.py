"""The main points of a story: sentences that its posts contain, and no others."""

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from watchers.gist import main_points
from watchers.gist.points import FEWEST, MOST, sentences
from watchers.model import Quote

NOW = datetime(2026, 3, 3, 12, tzinfo=UTC)
STORY = (
    "奥岚取暖器半夜自燃了，窗帘烧了一半。今天心情不好。",
    "我家的奥岚取暖器半夜也自燃了！",
    "奥岚取暖器半夜自燃，还好人醒了",
    "打奥岚客服电话一直没人接。要求退款还让我等七天。",
    "奥岚客服电话没人接，退款要等七天！",
    "退款让我等七天，奥岚客服根本没人接电话",
    "奥岚取暖器插头都烧黑了，冒出浓烟。",
    "插头烧黑，奥岚取暖器冒浓烟，孩子吓哭了",
    "奥岚取暖器插头冒浓烟",
    "周末去爬山，天气真不错，拍了很多照片",
    "奥岚官方到现在没有任何回应，等一个说法",
    "奥岚官方没有回应，等说法",
)


def quote(text: str, number: int = 1) -> Quote:
    return Quote(
        source="weibo", post_id=str(number), url=f"https://weibo.example/{number}", text=text,
        who=f"示例{number}", followers=10, verified=False, at=NOW, reposts=0, negative=0.9,
    )  # fmt: skip


def quotes(texts: tuple[str, ...] | list[str]) -> list[Quote]:
    return [quote(text, number) for number, text in enumerate(texts)]


def test_the_points_are_what_many_posts_say_each_said_once() -> None:
    told = [p.text for p in main_points(quotes(STORY))]
    assert FEWEST <= len(told) <= MOST
    assert sum("自燃" in t for t in told) == 1
    assert sum("退款" in t or "没人接" in t for t in told) == 1
    assert sum("烧黑" in t or "浓烟" in t for t in told) == 1
    assert not any("爬山" in t or "心情" in t for t in told)


def test_a_few_posts_are_their_own_points() -> None:
    assert main_points(quotes(STORY[:5])) == ()
    assert main_points(()) == ()


def test_posts_that_all_say_the_same_make_no_points() -> None:
    assert main_points(quotes([f"奥岚取暖器半夜自燃了{n}" for n in range(20)])) == ()


def test_what_links_speaks_to_people_or_was_cut_is_no_point() -> None:
    assert list(sentences("看这里 https://t.example/a 奥岚取暖器自燃了")) == []
    assert list(sentences("@某某 奥岚取暖器自燃了你知道吗")) == []
    assert list(sentences("奥岚取暖器半夜自燃了。窗帘烧了一半客服不接电…")) == [
        "奥岚取暖器半夜自燃了。"
    ]
    assert list(sentences("The heater caught fire at night. 自燃")) == []


@settings(deadline=None)
@given(
    st.lists(
        st.lists(
            st.sampled_from(["奥岚", "取暖器", "自燃", "退款", "客服", "不", "了", "，", "。", "！", "\n", "@某", "http://x.example", "电话"]),
            max_size=40,
        ).map("".join),
        max_size=15,
    )
)  # fmt: skip
def test_every_point_stands_in_the_post_it_names(texts: list[str]) -> None:
    given_ = quotes(texts)
    points = main_points(given_)
    assert all(p.quote in given_ and p.text in p.quote.text for p in points)
    assert len({p.quote.key for p in points}) == len(points)
    assert len(points) == 0 or FEWEST <= len(points) <= MOST


def test_snownlp_s_models_stay_out_of_the_service() -> None:
    code = (
        "import sys; from tests.watchers.test_points import STORY, quotes;"
        "from watchers.gist import main_points; assert main_points(quotes(STORY));"
        "print('snownlp' in sys.modules, 'watchers_snownlp.summary.textrank' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    assert ran.stdout.split() == ["False", "True"]


def test_the_same_points_come_out_again() -> None:
    assert main_points(quotes(STORY)) == main_points(quotes(STORY))
    assert main_points([replace(q, reposts=5) for q in quotes(STORY)]) != ()
