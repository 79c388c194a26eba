"""Which posts are one story."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.watchers.matching_cases import NOON, post
from watchers.clusters import Clusters
from watchers.model import Author, Kind, Post
from watchers.recordings import Recording

LONG = "骑云司机半路把我丢在高速上，客服说不归他们管，大家以后打车小心"
DAY = timedelta(days=1)


def joined(*posts: Post) -> list[str]:
    """Return the cluster of each of POSTS, in this order."""
    clusters = Clusters()
    return [clusters.assign(each)[0] for each in posts]


def repost(
    text: str, id_: str, parent: str | None, *, quoted: str = "", at: datetime = NOON
) -> Post:
    return post(text, id_, kind=Kind.REPOST, parent=parent, quoted=quoted, at=at)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(LONG, id="the same"),
        pytest.param(LONG + "！！[怒][怒]🔥", id="marks and emoji"),
        pytest.param(LONG + " https://t.cn/a @示例丁", id="a link and a mention"),
        pytest.param("#骑云崩了#" + LONG, id="a topic"),
        pytest.param("騎雲司機半路把我丟在高速上，客服說不歸他們管，大家以後打車小心", id="script"),
        pytest.param(LONG.replace("大家", "请大家"), id="a character more"),
        pytest.param("求扩散：" + LONG, id="a few words before"),
    ],
)
def test_nearly_the_same_text_is_one_cluster(text: str) -> None:
    assert joined(post(LONG, "1"), post(text, "2")) == ["weibo:1", "weibo:1"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(LONG, "骑云司机人很好，帮我把行李搬上楼，给五星好评", id="another story"),
        pytest.param("骑云又崩了", "骑云又炸了", id="short texts are not nearly the same"),
        pytest.param(
            "骑云又崩了打不开啊", "骑云又崩了登不上啊", id="the same trouble in own words"
        ),
        pytest.param(
            "#骑云大面积宕机今天#完了", "#骑云大面积宕机今天#笑死", id="a topic in common"
        ),
        pytest.param("[泪]", "[怒]", id="emoji alone, as they stand"),
    ],
)
def test_different_texts_are_different_clusters(one: str, other: str) -> None:
    assert joined(post(one, "1"), post(other, "2")) == ["weibo:1", "weibo:2"]


def test_the_first_post_leads_and_is_asked_for_again() -> None:
    clusters = Clusters()
    first, second = post(LONG, "1"), post(LONG, "2")
    assert clusters.assign(first) == ("weibo:1", True)
    assert clusters.assign(second) == ("weibo:1", False)
    assert clusters.assign(first) == ("weibo:1", True)
    assert clusters.assign(second) == ("weibo:1", False)
    assert len(clusters) == 1


def test_sources_have_clusters_of_their_own() -> None:
    posts = (post(LONG, "1"), post(LONG, "1", source="mastodon"), post(LONG + "！", "2"))
    assert joined(*posts) == ["weibo:1", "mastodon:1", "weibo:1"]


# ---------------------------------------------------------------------------------------- few words
def by(author: str, text: str, id_: str, **more: object) -> Post:
    said = replace(post(text, id_), author=Author(id=author, handle=author))
    return replace(said, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    [
        "骑云崩了",
        "骑云崩了！！[怒]",
        "#骑云大面积宕机今天#崩了",
        "#骑云大面积宕机今天#",
        "骑云又崩了吗",
    ],
)
def test_the_same_few_words_of_different_people_are_so_many_voices(text: str) -> None:
    clusters = Clusters()
    keys = {clusters.assign(by(f"a{n}", text, str(n)))[0] for n in range(40)}
    assert len(keys) == 40
    again = by("a7", text, "later")
    assert clusters.assign(again) == ("weibo:7", False)  # who says it twice has said it once


def test_more_words_are_a_copy_whoever_posts_them() -> None:
    clusters = Clusters()
    keys = {clusters.assign(by(f"a{n}", LONG, str(n)))[0] for n in range(40)}
    assert keys == {"weibo:0"}


def test_a_repost_of_few_words_joins_them_and_is_no_voice() -> None:
    quoting = {"kind": Kind.REPOST, "quoted": "骑云崩了"}
    posts = (by("a", "骑云崩了", "1"), by("b", "转发微博", "2", **quoting))
    assert joined(*posts, by("c", "真的假的", "3", **quoting)) == ["weibo:1"] * 3


def test_whose_words_are_not_known_are_not_known_to_be_another_s() -> None:
    assert joined(by("", "骑云崩了", "1"), by("", "骑云崩了", "2")) == ["weibo:1"] * 2


def test_a_copy_of_a_copy_is_found_though_the_first_text_is_far() -> None:
    parts = [
        "骑云司机半路把我丢在高速上",
        "客服说不归他们管",
        "大家以后打车小心",
        "已经报警了",
        "平台至今没有回复",
    ]
    texts = ["，".join(parts[start : start + 3]) for start in range(3)]
    assert joined(post(texts[0], "1"), post(texts[2], "3")) == ["weibo:1", "weibo:3"]
    middle = "，".join(parts[:4]), "，".join(parts[1:4]), "，".join(parts[1:5])
    chain = [post(text, str(n)) for n, text in enumerate((texts[0], *middle, texts[2]))]
    assert joined(*chain) == ["weibo:0"] * 5


# -------------------------------------------------------------------------------------------- reposts
def test_a_repost_joins_what_it_reposts_whatever_it_says() -> None:
    chain = (repost("太过分了", "2", "1"), repost("同感，我也遇到过", "3", "2"))
    assert joined(post(LONG, "1"), *chain) == ["weibo:1"] * 3


def test_words_of_a_repost_do_not_pull_others_into_its_cluster() -> None:
    posts = (post(LONG, "1"), repost("转发微博", "2", "1"), post("转发微博", "3"))
    assert joined(*posts) == ["weibo:1", "weibo:1", "weibo:3"]


def test_reposts_of_an_unseen_post_join_each_other_and_then_the_original() -> None:
    posts = (repost("转发微博", "2", "1"), repost("呵呵", "3", "1"), post(LONG, "1"))
    assert joined(*posts) == ["weibo:2"] * 3


def test_a_repost_without_the_id_joins_the_words_it_repeats() -> None:
    posts = (
        post(LONG, "1"),
        repost("太过分了", "2", None, quoted=LONG),
        post("转发微博//@示例丁:转发微博//@示例丙:" + LONG, "3"),
    )
    assert joined(*posts) == ["weibo:1"] * 3


def test_the_same_comment_on_two_stories_is_two_clusters() -> None:
    posts = (post("呵呵//@示例丁:" + LONG, "1"), post("呵呵//@示例丁:奥岚取暖器半夜自燃", "2"))
    assert joined(*posts) == ["weibo:1", "weibo:2"]


def test_bare_reposts_of_nobody_knows_what_weigh_one() -> None:
    assert joined(repost("转发微博", "1", None), repost("转发微博", "2", None)) == ["weibo:1"] * 2


def test_a_reply_has_words_of_its_own() -> None:
    reply = post("我也是，客服完全不理人", "2", kind=Kind.REPLY, parent="1")
    assert joined(post(LONG, "1"), reply) == ["weibo:1", "weibo:2"]


# ------------------------------------------------------------------------------------ time and memory
def test_a_text_that_comes_back_after_a_week_is_a_new_story() -> None:
    posts = (
        post(LONG, "1"),
        post(LONG, "2", at=NOON + 6 * DAY),
        post(LONG, "3", at=NOON + 14 * DAY),
    )
    assert joined(*posts) == ["weibo:1", "weibo:1", "weibo:3"]


def test_an_original_is_known_as_long_as_anybody_reposts_its_reposts() -> None:
    chain = [repost("转", str(day), str(day - 3), at=NOON + day * DAY) for day in range(4, 30, 3)]
    late = repost("转", "late", "1", at=NOON + 30 * DAY)
    assert set(joined(post(LONG, "1"), *chain, late)) == {"weibo:1"}


def test_a_story_lives_as_long_as_it_is_reposted() -> None:
    reposts = [repost("转", str(day), "1", at=NOON + day * DAY) for day in range(2, 30, 3)]
    assert set(joined(post(LONG, "1"), *reposts)) == {"weibo:1"}


def test_memory_holds_only_what_is_kept() -> None:
    clusters = Clusters(keep=timedelta(hours=1))
    for minute in range(600):
        at = NOON + timedelta(minutes=minute)
        clusters.assign(post(f"第{minute}个各不相同的故事{minute * 7919}", str(minute), at=at))
    assert len(clusters) <= 61
    assert len(clusters._by_post) <= 61
    assert len(clusters._by_text) <= 61
    assert clusters.assign(post("第0个各不相同的故事0", "new", at=NOON + DAY)) == (
        "weibo:new",
        True,
    )


def test_old_posts_that_are_caught_up_on_find_each_other() -> None:
    late = NOON - 30 * DAY
    old = [post(LONG, str(n), at=late + n * timedelta(hours=1)) for n in (2, 1)]
    assert joined(post(LONG, "now"), *old) == ["weibo:now", "weibo:2", "weibo:2"]


def test_a_restart_changes_nothing() -> None:
    before = [
        post(LONG, "1"),
        post(LONG + "！", "2"),
        repost("呵呵", "3", "1"),
        post("骑云崩了", "4"),
    ]
    clusters = Clusters()
    clusters.restore(before)
    assert clusters.assign(post("求扩散：" + LONG, "5")) == ("weibo:1", False)
    assert clusters.assign(repost("转", "6", "3")) == ("weibo:1", False)
    assert clusters.assign(post("骑云崩了", "7")) == ("weibo:4", False)


def test_recorded_keys_are_taken_up_even_if_their_leader_is_gone() -> None:
    clusters = Clusters()
    rest = [post(LONG, "2"), post("完全另一回事的一段话，谁也没有见过", "3")]
    clusters.restore(rest, {("weibo", "2"): "weibo:1", ("weibo", "3"): "weibo:1"})
    assert clusters.assign(post(LONG, "4")) == ("weibo:1", False)
    assert clusters.assign(post(rest[1].text, "5")) == ("weibo:1", False)
    assert clusters.assign(rest[0]) == ("weibo:1", False)


def test_a_restart_with_what_is_remembered_changes_nothing_either() -> None:
    clusters = Clusters()
    clusters.assign(post(LONG, "1"))
    kept = (repost("呵呵", "2", "0"), post("骑云崩了", "3"), post(LONG, "1"))
    clusters.restore(kept, {each.key: f"weibo:{each.id}" for each in kept})
    assert len(clusters) == 3
    assert clusters.assign(repost("转", "4", "2")) == ("weibo:2", False)
    assert clusters.assign(repost("转", "5", "0")) == ("weibo:2", False)
    assert clusters.assign(post("求扩散：" + LONG, "6")) == ("weibo:1", False)


def test_a_text_cut_by_the_store_is_still_the_same_text() -> None:
    text = LONG * 20
    clusters = Clusters()
    clusters.restore([post(text[:280], "1")])
    assert clusters.assign(post(text, "2")) == ("weibo:1", False)


@given(st.lists(st.text(), max_size=5))
def test_no_text_is_too_strange(texts: list[str]) -> None:
    clusters = Clusters()
    for place, text in enumerate([*texts, *texts]):
        key, leads = clusters.assign(post(text, str(place)))
        assert leads == (key == f"weibo:{place}")
        assert leads or place  # the first leads


def test_recorded_cascades_are_clusters_and_no_two_stories_are_one(shared: Path) -> None:
    """The six smallest recordings: reposts follow their original, the stories stay apart."""
    cascades = (shared / "data/microblogs/events").glob("ced_*.jsonl.gz")
    paths = sorted(cascades, key=lambda path: path.stat().st_size)[:6]
    story = {each.key: path.stem for path in paths for each in Recording(path)}
    posts = sorted((each for path in paths for each in Recording(path)), key=lambda p: p.at)
    clusters = Clusters(keep=365 * DAY)
    found: dict[str, set[str]] = {}
    for each in posts:
        found.setdefault(clusters.assign(each)[0], set()).add(story[each.key])
    assert all(len(stories) == 1 for stories in found.values())
    assert len(found) == sum(each.kind is Kind.POST for each in posts)
