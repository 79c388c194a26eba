"""True answers with random damage: every connector ends a round with an outcome, never an error."""

import asyncio
import json
import random
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.demo.platforms import Fault, Handler, HotWord, Platforms
from tests.watchers.sources.conftest import T0, Clock, a_post
from tests.watchers.sources.served import SERVED
from watchers.http import NO_WAIT, Http, Timeouts
from watchers.model import Outcome, Page, Watermark
from watchers.sources import SOURCES

ASKED = sorted(
    SOURCES.keys() - {"webhook", "jetstream", "mastodon_stream"}
)  # those have tests of their own for this
ROUNDS = 12  # damaged answers an example
JUNK: tuple[Any, ...] = (
    None, True, False, 0, -1, 10**30, 1.5, "", "x", "\x00\ud800", "99999999999999999999", [], {}, [[]],
    [None], {"a": {"a": {}}}, "2026-02-30T25:61:61Z", "javascript:alert(1)", "http://[", "万亿",
    "<b><script>", "]]>", "a" * 30_000,
)  # fmt: skip


def damaged(rng: random.Random) -> Fault:
    """Answer as the platform does, with something of it changed, cut out or doubled."""

    async def fault(request: web.Request, handler: Handler) -> web.StreamResponse:
        true = await handler(request)
        body = true.body if isinstance(true, web.Response) else b""
        raw = body if isinstance(body, bytes) else b""
        try:
            told = json.loads(raw)
        except ValueError:
            return web.Response(body=_bytes(raw, rng), content_type=true.content_type)
        for _ in range(rng.randint(1, 4)):
            told = _edited(told, rng)
        if rng.random() < 0.1:
            return web.Response(body=_bytes(raw, rng), content_type=true.content_type)
        text = json.dumps(told, ensure_ascii=True)
        return web.Response(text=text, content_type="application/json", status=true.status)

    return fault


def _edited(value: Any, rng: random.Random, depth: int = 0) -> Any:
    """Return VALUE with one place of it changed."""
    if not value or rng.random() < 0.15 * depth:
        return rng.choice(JUNK)
    if isinstance(value, list):
        return _edited_list(value, rng, depth)
    return _edited_object(value, rng, depth) if isinstance(value, dict) else rng.choice(JUNK)


def _edited_list(value: list[Any], rng: random.Random, depth: int) -> list[Any]:
    place, act = rng.randrange(len(value)), rng.random()
    if act < 0.1:
        return value[:place]
    if act < 0.2:
        return [*value, *value[:place]]
    return [*value[:place], _edited(value[place], rng, depth + 1), *value[place + 1 :]]


def _edited_object(value: dict[str, Any], rng: random.Random, depth: int) -> dict[str, Any]:
    key, act = rng.choice(sorted(value)), rng.random()
    if act < 0.2:
        return {k: v for k, v in value.items() if k != key}
    if act < 0.3:
        return value | {f"{key}_new": value[key]}
    if isinstance(value[key], str) and value[key][:1] in "{[" and act < 0.7:
        return value | {key: value[key][: rng.randrange(len(value[key]) + 1)]}  # JSON in a string
    return value | {key: _edited(value[key], rng, depth + 1)}


def _bytes(raw: bytes, rng: random.Random) -> bytes:
    """Return RAW with some bytes changed, cut out or doubled."""
    made = bytearray(raw)
    for _ in range(rng.randint(1, 6)):
        place = rng.randrange(len(made) + 1)
        act = rng.random()
        if act < 0.4:
            made[place : place + 1] = bytes([rng.randrange(256)])
        elif act < 0.7:
            del made[place : place + rng.randrange(200)]
        else:
            made[place:place] = made[place : place + rng.randrange(200)]
    return bytes(made)


async def _survive(name: str, seed: int) -> list[Outcome]:
    rng, clock = random.Random(seed), Clock()
    platforms = Platforms([], clock, (make(clock) for make in SERVED))
    served = platforms.others.get(name)
    platform = served.platform if served else getattr(platforms, name)
    platforms.hot = (HotWord(title="奥岚冒烟", ranks=((T0, 3),), until=T0 + timedelta(days=1)),)
    platform.add(a_post(name, n, T0 - timedelta(minutes=n)) for n in range(1, 6))
    await platforms.start()
    quick = Timeouts(connect=1, read=0.5, total=2)
    outcomes = []
    async with Http(contact="ops@example.org", timeouts=quick, wait=NO_WAIT) as http:
        source = SOURCES[name].make(http, platforms.settings())
        mark = Watermark()
        for _ in range(ROUNDS):
            platform.fail(damaged(rng), times=3)
            query = source.feeds[0] if source.feeds else "奥岚"
            page = await source.search(query, mark, now=clock())
            _whole(page, mark, name)
            mark = page.watermark if page.outcome.healthy else mark
            outcomes.append(page.outcome)
            clock.forward(minutes=rng.choice((1, 20, 600)))
            platform.add([a_post(name, rng.randrange(10**6), clock() - timedelta(seconds=30))])
    await platforms.stop()
    return outcomes


def _whole(page: Page, before: Watermark, name: str) -> None:
    """What came of damage is a page like any other: posts that can be stored, links that are links."""
    assert isinstance(page.outcome, Outcome)
    if not page.outcome.healthy and page.outcome is not Outcome.PARTIAL:
        assert page.watermark == before
        assert page.detail
    for post in page.posts:
        assert post.source == name
        assert post.id
        assert "\x00" not in post.text
        post.text.encode()
        assert len(post.text) <= 50_000
        assert not post.url or post.url.startswith(("http://", "https://"))
        assert post.created_at is None or post.created_at.tzinfo is not None


@pytest.mark.parametrize("name", ASKED)
@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(seed=st.integers(0, 2**32))
def test_damaged_answers_are_outcomes(name: str, seed: int) -> None:
    outcomes = asyncio.run(_survive(name, seed))
    assert len(outcomes) == ROUNDS
