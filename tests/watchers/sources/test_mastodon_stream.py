"""A Mastodon stream: what comes while we listen is read once, what came meanwhile is a told gap."""

import json
from datetime import timedelta

import pytest

from bot.demo import platforms as server
from tests.watchers.sources.conftest import World, a_post
from tests.watchers.sources.served.mastodon_stream import Streaming
from watchers.errors import BadSetting
from watchers.model import Outcome, Page, Watermark
from watchers.sources import Source
from watchers.sources.mastodon_stream import ALL

NAME = "mastodon_stream"
SECOND = timedelta(seconds=1)


@pytest.fixture
def stream(world: World) -> Streaming:
    made = world.platform(NAME)
    assert isinstance(made, Streaming)
    return made


async def look(source: Source, world: World, mark: Watermark | None = None) -> Page:
    return await source.search(ALL, mark or Watermark(), now=world.clock())


async def begun(world: World) -> tuple[Source, Watermark]:
    source = world.source(NAME)
    page = await look(source, world)
    assert page.outcome is Outcome.OK_EMPTY, page.detail
    return source, page.watermark


async def test_what_is_written_while_we_listen_is_read_once(
    world: World, stream: Streaming
) -> None:
    source, mark = await begun(world)
    for n in (1, 2):
        world.clock.forward(seconds=10)
        stream.add([a_post(NAME, n, world.clock() - SECOND)])
        page = await look(source, world, mark)
        assert [p.text for p in page.posts] == [f"奥岚取暖器第{n}台 #奥岚"]
        assert page.posts[0].source == NAME
        assert page.watermark.covered_to == world.clock() - source.lag
        mark = page.watermark
    assert len(stream.sockets) == 1
    assert page.watermark.gaps == ()


async def test_what_was_written_while_nobody_listened_is_a_gap_that_is_told(
    world: World, stream: Streaming
) -> None:
    source, mark = await begun(world)
    await stream.drop()
    world.clock.forward(minutes=5)
    page = await look(source, world, mark)
    while page.outcome is Outcome.DOWN:
        page = await look(source, world, mark)
    assert page.outcome is Outcome.PARTIAL
    (gap,) = page.watermark.gaps
    assert (gap.start, gap.end) == (mark.covered_to, world.clock())
    assert "nobody listened" in page.detail
    world.clock.forward(seconds=10)
    stream.add([a_post(NAME, 1, world.clock() - SECOND)])
    page = await look(source, world, page.watermark)
    assert (page.outcome, len(page.posts)) == (Outcome.OK, 1)
    assert page.watermark.gaps == (gap,)


async def test_a_restart_leaves_a_gap_too(world: World, stream: Streaming) -> None:
    _, mark = await begun(world)
    world.clock.forward(minutes=3)
    page = await look(world.source(NAME), world, mark)
    assert page.outcome is Outcome.PARTIAL
    assert len(page.watermark.gaps) == 1
    assert stream.sockets


async def test_deletions_and_other_languages_and_nonsense(world: World, stream: Streaming) -> None:
    source, mark = await begun(world)
    stream.extra += [
        json.dumps({"event": "delete", "payload": "42"}),
        json.dumps({"event": "update", "payload": "{half"}),
        json.dumps({"event": "update", "payload": 3}),
        json.dumps({"event": "filters_changed"}),
        "[]",
        "{",
    ]
    stream.add([a_post(NAME, 1, world.clock() + SECOND, text="Aulane ist schön")])
    world.clock.forward(seconds=5)
    page = await look(source, world, mark)
    assert page.deleted == ("42",)
    assert page.outcome is Outcome.OK
    assert len(page.posts) == 1  # this server says that all is Chinese
    german = world.source(NAME, MASTODON_STREAM_LANGUAGES="de")
    mark = (await look(german, world)).watermark
    stream.add([a_post(NAME, 2, world.clock() + SECOND)])
    world.clock.forward(seconds=5)
    assert (await look(german, world, mark)).posts == ()


@pytest.mark.parametrize(
    ("code", "outcome"),
    [(401, Outcome.AUTH_REQUIRED), (403, Outcome.AUTH_REQUIRED), (503, Outcome.DOWN)],
)
async def test_a_refused_handshake_is_an_outcome(
    code: int, outcome: Outcome, world: World, stream: Streaming
) -> None:
    source = world.source(NAME)
    stream.fail(server.status(code))
    page = await look(source, world)
    assert (page.outcome, page.watermark) == (outcome, Watermark())
    assert "demo-secret" not in page.detail + repr(vars(source))
    assert (await look(source, world)).outcome is Outcome.OK_EMPTY


async def test_a_wrong_token_is_told_by_the_connection_test(world: World) -> None:
    assert (await world.source(NAME).check(world.clock()))[0] is Outcome.OK
    wrong = world.source(NAME, MASTODON_STREAM_TOKEN="another")
    assert (await wrong.check(world.clock()))[0] is Outcome.AUTH_REQUIRED


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MASTODON_STREAM_URL", "https://example.org"),
        ("MASTODON_STREAM_URL", "ws://example.org"),
        ("MASTODON_STREAM_SCOPE", "home"),
    ],
)
def test_a_setting_that_makes_no_sense_is_named(name: str, value: str, world: World) -> None:
    with pytest.raises(BadSetting, match=name):
        world.source(NAME, **{name: value})
