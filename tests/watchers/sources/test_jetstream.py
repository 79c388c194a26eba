"""The stream: taken up where it was left, deletions followed, languages chosen, silence told."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.demo import platforms as server
from tests.watchers.sources.conftest import T0, World, a_post
from tests.watchers.sources.served.jetstream import Jetstream, micros
from watchers.errors import BadSetting
from watchers.model import Kind, Outcome, Page, Watermark
from watchers.sources import Source
from watchers.sources.jetstream import ALL, read_commit

SECOND = timedelta(seconds=1)


@pytest.fixture
def stream(world: World) -> Jetstream:
    made = world.platform("jetstream")
    assert isinstance(made, Jetstream)
    return made


async def look(source: Source, world: World, mark: Watermark | None = None) -> Page:
    return await source.search(ALL, mark or Watermark(), now=world.clock())


def texts(page: Page) -> list[str]:
    return [p.text for p in page.posts]


async def begun(world: World) -> tuple[Source, Watermark]:
    """Return the source once it listens, and where it stands."""
    source = world.source("jetstream")
    page = await look(source, world)
    assert page.outcome is Outcome.OK_EMPTY, page.detail
    return source, page.watermark


async def test_what_is_written_comes_over_one_connection(world: World, stream: Jetstream) -> None:
    source, mark = await begun(world)
    for n in (1, 2, 3):
        world.clock.forward(seconds=10)
        stream.add([a_post("jetstream", n, world.clock() - SECOND)])
        page = await look(source, world, mark)
        assert texts(page) == [f"奥岚取暖器第{n}台 #奥岚"]
        mark = page.watermark
    assert stream.cursors == [None]
    (post,) = page.posts
    assert post.created_at == world.clock() - SECOND
    assert post.id == "at://did:plc:u3/app.bsky.feed.post/5340000000000003"
    assert post.url == "https://bsky.app/profile/did:plc:u3/post/5340000000000003"
    assert mark.id == str(micros(world.clock() - SECOND))
    assert mark.covered_to == world.clock() - 11 * SECOND


async def test_after_a_break_it_goes_on_five_seconds_before(
    world: World, stream: Jetstream
) -> None:
    source, mark = await begun(world)
    world.clock.forward(seconds=30)
    stream.add([a_post("jetstream", 1, world.clock() - SECOND)])
    mark = (await look(source, world, mark)).watermark
    await stream.drop()
    world.clock.forward(seconds=20)
    stream.add([a_post("jetstream", 2, world.clock() - 19 * SECOND)])
    broken = await look(source, world, mark)
    page = broken if broken.posts else await look(source, world, broken.watermark)
    assert "奥岚取暖器第2台 #奥岚" in texts(page)
    assert mark.id is not None
    assert stream.cursors[-1] == str(int(mark.id) - 5_000_000)
    assert page.outcome is Outcome.OK


async def test_a_round_that_was_lost_is_read_again(world: World, stream: Jetstream) -> None:
    source, mark = await begun(world)
    world.clock.forward(seconds=10)
    stream.add([a_post("jetstream", 1, world.clock() - SECOND)])
    first = await look(source, world, mark)
    again = await look(source, world, mark)
    assert texts(again) == texts(first) != []


async def test_deletions_are_followed(world: World, stream: Jetstream) -> None:
    source, mark = await begun(world)
    post = a_post("jetstream", 1, world.clock() + SECOND)
    stream.add([post])
    world.clock.forward(seconds=10)
    mark = (await look(source, world, mark)).watermark
    stream.delete(post.id)
    world.clock.forward(seconds=10)
    page = await look(source, world, mark)
    assert page.deleted == ("at://did:plc:u1/app.bsky.feed.post/5340000000000001",)
    assert page.outcome is Outcome.OK


async def test_only_the_languages_that_were_chosen_are_read(
    world: World, stream: Jetstream
) -> None:
    source, mark = await begun(world)
    said = [
        ("奥岚冒烟了", "en"),
        ("奥岚です、ありがとう", "ja"),
        ("Aulane is on fire", "en"),
        ("好", "zh-Hans"),
    ]
    stream.add(
        replace(a_post("jetstream", n, world.clock() + n * SECOND, text=text), lang=lang)
        for n, (text, lang) in enumerate(said, 1)
    )
    world.clock.forward(seconds=20)
    assert texts(await look(source, world, mark)) == ["好", "奥岚冒烟了"]
    everything = world.source("jetstream", JETSTREAM_LANGUAGES="*")
    assert len((await look(everything, world, mark)).posts) == 4


async def test_what_the_stream_no_longer_keeps_is_a_gap(world: World, stream: Jetstream) -> None:
    source, mark = await begun(world)
    left = world.clock()
    world.clock.forward(days=3)
    stream.add([a_post("jetstream", 1, world.clock() - timedelta(hours=1))])
    await stream.drop()
    broken = await look(source, world, mark)
    page = broken if broken.posts else await look(source, world, broken.watermark)
    assert page.outcome is Outcome.PARTIAL
    (gap,) = page.watermark.gaps
    assert gap.start == left
    assert gap.end == world.clock() - timedelta(hours=1)


async def test_a_stream_that_stands_still_is_stale(world: World, stream: Jetstream) -> None:
    source, mark = await begun(world)
    world.clock.forward(minutes=11)
    page = await look(source, world, mark)
    assert (page.outcome, page.watermark.at) == (Outcome.STALE, T0)
    assert len(stream.cursors) == 1


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        pytest.param(server.status(401), Outcome.AUTH_REQUIRED, id="401"),
        pytest.param(server.status(403), Outcome.AUTH_REQUIRED, id="403"),
        pytest.param(server.too_many(90), Outcome.RATE_LIMITED, id="429"),
        pytest.param(server.status(503), Outcome.DOWN, id="503"),
        pytest.param(server.page(), Outcome.SCHEMA_CHANGED, id="a web page"),
    ],
)
async def test_a_refused_handshake_is_an_outcome_and_the_watermark_stays(
    fault: server.Fault, outcome: Outcome, world: World, stream: Jetstream
) -> None:
    source = world.source("jetstream")
    stream.fail(fault)
    page = await look(source, world)
    assert page.outcome is outcome
    assert page.watermark == Watermark()
    if outcome is Outcome.RATE_LIMITED:
        assert page.until == T0 + 90 * SECOND
    assert (await look(source, world)).outcome is Outcome.OK_EMPTY


async def test_a_server_that_is_not_there_is_down(world: World) -> None:
    source = world.source("jetstream")
    await world.platforms.stop()
    assert (await look(source, world)).outcome is Outcome.DOWN


async def test_nonsense_in_the_stream_is_passed_over_and_nothing_but_nonsense_is_a_change(
    world: World, stream: Jetstream
) -> None:
    source, mark = await begun(world)
    stream.extra += ["{half", "[]", '{"time_us":"soon"}', '{"kind":"info"}']
    page = await look(source, world, mark)
    assert page.outcome is Outcome.SCHEMA_CHANGED
    stream.extra.append("nonsense")
    stream.add([a_post("jetstream", 1, world.clock() + SECOND)])
    world.clock.forward(seconds=5)
    page = await look(source, world, page.watermark)
    assert (page.outcome, len(page.posts)) == (Outcome.OK, 1)


async def test_the_connection_test_listens_for_a_moment(world: World, stream: Jetstream) -> None:
    source = world.source("jetstream")
    assert (await source.check(world.clock()))[0] is Outcome.OK
    stream.fail(server.status(401))
    assert (await source.check(world.clock()))[0] is Outcome.AUTH_REQUIRED


def test_plain_ws_to_another_host_is_refused(world: World) -> None:
    for url in ("ws://example.org/subscribe", "https://example.org", "wss://"):
        with pytest.raises(BadSetting, match="JETSTREAM_URL"):
            world.source("jetstream", JETSTREAM_URL=url)


RECORD: dict[str, Any] = {"text": "奥岚", "createdAt": "2026-03-02T07:59:59Z", "langs": ["zh"]}


@pytest.mark.parametrize(
    ("more", "kind", "parent"),
    [
        ({}, Kind.POST, None),
        ({"reply": {"parent": {"uri": "at://did:plc:b/c/1"}}}, Kind.REPLY, "at://did:plc:b/c/1"),
        ({"embed": {"record": {"uri": "at://did:plc:b/c/2"}}}, Kind.REPOST, "at://did:plc:b/c/2"),
    ],
)
def test_replies_and_quotes_say_what_they_answer(
    more: dict[str, Any], kind: Kind, parent: str | None
) -> None:
    post = read_commit({"record": RECORD | more}, "did:plc:a", "at://did:plc:a/c/9", T0, T0)
    assert post is not None
    assert (post.kind, post.parent_id) == (kind, parent)


@pytest.mark.parametrize("written", ["2020-01-01T00:00:00Z", "2030-01-01T00:00:00Z", "soon", None])
def test_a_time_that_the_author_made_up_is_not_believed(written: object) -> None:
    record = RECORD | {"createdAt": written}
    post = read_commit({"record": record}, "did:plc:a", "at://did:plc:a/c/9", T0, T0)
    assert post is not None
    assert post.created_at == T0


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=10,
)


@settings(max_examples=200, deadline=None)
@given(value=anything, key=st.sampled_from(["text", "createdAt", "langs", "reply", "embed"]))
def test_any_record_is_a_post_or_none(value: Any, key: str) -> None:
    read_commit({"record": RECORD | {key: value}}, "did:plc:a", "at://did:plc:a/c/9", T0, T0)
