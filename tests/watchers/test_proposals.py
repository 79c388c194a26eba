"""A false alarm becomes a rule that would have kept it out, and says what it would cost."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from watchers.match import Matcher
from watchers.model import Change, Client
from watchers.proposals import applied, propose, undone

QIYUN = Client(
    id="qiyun", name="Qiyun", names=("骑云", "Qiyun"), companions=("打车", "司机", "订单")
)
HILLS = [f"周末骑云雾山庄的路线{n}号，风景真好" for n in range(12)]
RIDES = ["骑云司机绕路", "骑云又崩了，打不开", "今天骑云打车排队一小时", "骑云订单没人接"]


def test_the_phrase_that_means_something_else_is_found() -> None:
    client = replace(QIYUN, names=("云雾", "Qiyun"), companions=())
    texts = [f"云雾山第{n}天徒步，风景真好" for n in range(9)]
    found = propose(client, texts, ["云雾的客服没人接", "云雾退款三天没到"])
    assert found is not None
    assert (found.change, found.phrase) == (Change.EXCLUDE, "云雾山")
    assert len(found.removes) == found.false == 9
    assert found.loses == ()
    after = Matcher((found.applied(client),))
    assert not any(after.find_text(text) for text in texts)
    assert undone(found.applied(client), found.change, found.phrase) == client
    assert applied(found.applied(client), found.change, found.phrase) == found.applied(client)


def test_a_name_that_means_too_much_may_need_a_companion() -> None:
    client = replace(QIYUN, names=("小云", "骑云打车"), companions=("打车", "司机"))
    moods = ("今天心情不错", "晚安", "在练字", "写完作业了", "养的花开了", "想家", "去跑步", "看剧")
    texts = [f"小云，{mood}" for mood in moods]
    found = propose(client, texts, ["小云司机绕路", "小云，打车排队一小时"])
    assert found is not None
    assert (found.change, found.phrase) == (Change.AMBIGUOUS, "小云")
    assert len(found.removes) == len(texts)
    assert found.loses == ()
    back = undone(found.applied(client), found.change, found.phrase)
    assert back.names == ("骑云打车", "小云")
    assert undone(client, found.change, found.phrase) == client


def test_what_would_lose_true_posts_is_said_or_not_proposed_at_all() -> None:
    client = replace(QIYUN, names=("云雾",), companions=())
    false = [f"云雾山，第{n}天" for n in range(12)]
    found = propose(client, false, ["云雾山，分店退款太慢"])
    assert found is not None
    assert found.loses == (0,)
    assert propose(client, false[:4], ["云雾山，分店退款太慢"]) is None


def test_nothing_in_common_teaches_nothing() -> None:
    assert propose(QIYUN, ["骑云好", "大骑云"], RIDES) is None
    assert propose(QIYUN, [], RIDES) is None
    assert propose(QIYUN, HILLS[:1], RIDES) is None


@given(
    st.lists(st.sampled_from([*HILLS, *RIDES, "Qiyun上线", "无关"]), max_size=10),
    st.lists(st.sampled_from([*HILLS, *RIDES, "无关"]), max_size=10),
)
@settings(max_examples=50, deadline=None)
def test_what_a_proposal_says_is_what_the_matcher_does(false: list[str], good: list[str]) -> None:
    found = propose(QIYUN, false, good)
    if found is None:
        return
    before, after = Matcher((QIYUN,)), Matcher((found.applied(QIYUN),))
    for texts, gone in ((false, found.removes), (good, found.loses)):
        for place, text in enumerate(texts):
            stays = bool(after.find_text(text))
            assert stays == (bool(before.find_text(text)) and place not in gone)
