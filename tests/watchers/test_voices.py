"""Who speaks decides how far a story has come."""

from datetime import UTC, datetime

import pytest

from watchers.model import Kind, Quote, Stage
from watchers.voices import state_media, voice


def quote(
    who: str, *, verified: bool = False, followers: int = 10, kind: Kind = Kind.POST
) -> Quote:
    return Quote(
        source="weibo",
        post_id="1",
        url="https://weibo.example/1",
        text="…",
        who=who,
        followers=followers,
        verified=verified,
        at=datetime(2026, 3, 3, tzinfo=UTC),
        reposts=None,
        negative=0.9,
        kind=kind,
    )


@pytest.mark.parametrize(
    ("said", "stage"),
    [
        pytest.param(quote("示例甲"), Stage.SEED, id="an ordinary account"),
        pytest.param(quote("示例乙", followers=100_000), Stage.AMPLIFY, id="100,000 followers"),
        pytest.param(quote("示例丙", verified=True), Stage.AMPLIFY, id="a verified account"),
        pytest.param(quote("示例新闻网", kind=Kind.ARTICLE), Stage.PORTAL, id="a portal's article"),
        pytest.param(quote("示例晚报", kind=Kind.ARTICLE), Stage.PRESS, id="an evening paper"),
        pytest.param(quote("新华社", kind=Kind.ARTICLE), Stage.PRESS, id="state media's article"),
        pytest.param(quote("人民日报", verified=True), Stage.PRESS, id="state media's account"),
        pytest.param(
            quote("示例市市场监督管理局", verified=True), Stage.OFFICIAL, id="a regulator's account"
        ),
        pytest.param(quote("平安示例", verified=True), Stage.OFFICIAL, id="a police account"),
        pytest.param(quote("平安示例"), Stage.SEED, id="an unverified account of such a name"),
        pytest.param(quote("人民日报粉丝团"), Stage.SEED, id="a fan of state media is no medium"),
    ],
)
def test_a_voice_proves_a_stage(said: Quote, stage: Stage) -> None:
    assert voice(said) is stage


def test_only_a_verified_account_is_state_media() -> None:
    assert state_media(quote("新华社", verified=True))
    assert not state_media(quote("新华社"))
    assert state_media(quote("新华社", kind=Kind.ARTICLE))
    assert not state_media(quote("示例新闻网", kind=Kind.ARTICLE))
