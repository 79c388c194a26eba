"""A provider that pushes: what is believed, what is kept, what is read, and when silence is odd."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.watchers.sources.conftest import T0, World
from watchers.errors import BadSetting
from watchers.inbox import Inbox
from watchers.model import Delivery, Outcome, Page, Watermark
from watchers.sources.webhook import INBOX, PATH, SIGNATURE, TIME, Webhook, sign
from watchers.store import Store

SECRET = "webhook-demo-secret"
CONFIG = {"paths": {"items": "items", "id": "id", "text": "text", "created_at": "at"}}
SETTINGS = {
    "WEBHOOK_SECRET": SECRET,
    "WEBHOOK_CONFIG": json.dumps(CONFIG),
    "WEBHOOK_PORT": "0",
}


def delivery(*ids: int, text: str = "奥岚冒烟") -> bytes:
    at = f"{T0 - timedelta(minutes=3):%Y-%m-%dT%H:%M:%SZ}"
    items = [{"id": n, "text": f"{text} {n}", "at": at} for n in ids]
    return json.dumps({"items": items}, ensure_ascii=False).encode()


def signed(body: bytes, *, secret: str = SECRET, late: float = 0) -> dict[str, str]:
    moment = str(int(T0.timestamp() - late))
    return {TIME: moment, SIGNATURE: sign(secret, moment, body)}


@pytest.fixture
def source(world: World) -> Webhook:
    made = world.source("webhook", **SETTINGS)
    assert isinstance(made, Webhook)
    return made


@pytest.fixture
async def inbox(world: World, source: Webhook, store: Store) -> AsyncIterator[Inbox]:
    source.connect(store.delivered)
    made = Inbox(source, store, world.clock)
    await made.start()
    yield made
    await made.stop()


async def push(inbox: Inbox, body: bytes, headers: dict[str, str]) -> tuple[int, Any]:
    async with httpx.AsyncClient(trust_env=False) as client:
        url = f"http://127.0.0.1:{inbox.port}{PATH}"
        answer = await client.post(url, content=body, headers=headers)
    kind = answer.headers["content-type"]
    return answer.status_code, answer.json() if "json" in kind else answer.text


async def read(source: Webhook, mark: Watermark, world: World) -> Page:
    return await source.search(INBOX, mark, now=world.clock())


def test_the_signature_is_what_the_readme_says() -> None:
    made = sign("secret", "1772438400", b'{"items":[]}')
    assert made == "v1=7c4ef31ad14557b4bacbecabf83821a5caeb251b5363c166906c3d5df93bf206"


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ({}, TIME),
        ({TIME: "soon"}, TIME),
        ({TIME: "9" * 30}, TIME),
        ({TIME: str(int(T0.timestamp()))}, SIGNATURE),
        (signed(delivery(1), secret="another"), SIGNATURE),
        (signed(delivery(2)), SIGNATURE),
        (signed(delivery(1), late=301), "5 minutes"),
        (signed(delivery(1), late=-301), "5 minutes"),
        ({TIME: str(int(T0.timestamp())), SIGNATURE: "v1=ü"}, SIGNATURE),
    ],
)
async def test_a_delivery_that_is_not_the_providers_is_refused_and_not_kept(
    headers: dict[str, str], words: str, source: Webhook, world: World
) -> None:
    assert words in source.refuses(headers, delivery(1), world.clock())


async def test_what_is_answered_for_is_kept_and_read_once(
    inbox: Inbox, source: Webhook, world: World, store: Store
) -> None:
    body = delivery(1, 2)
    assert await push(inbox, body, signed(body, late=299)) == (200, {"ok": True, "new": True})
    first = await read(source, Watermark(), world)
    assert [p.text for p in first.posts] == ["奥岚冒烟 1", "奥岚冒烟 2"]
    assert (first.outcome, first.requests) == (Outcome.OK, 0)
    again = await read(source, Watermark(), world)  # a round that was lost before it was stored
    assert again.posts == first.posts
    second = await read(source, first.watermark, world)
    assert (second.outcome, second.posts) == (Outcome.OK_EMPTY, ())
    assert await store.delivered(0) == ()


async def test_a_delivery_that_comes_twice_counts_once(
    inbox: Inbox, source: Webhook, world: World
) -> None:
    body = delivery(1)
    headers = signed(body)
    assert (await push(inbox, body, headers))[1]["new"]
    assert await push(inbox, body, headers) == (200, {"ok": True, "new": False})
    assert len((await read(source, Watermark(), world)).posts) == 1


async def test_ids_go_on_after_everything_was_read(
    inbox: Inbox, source: Webhook, world: World
) -> None:
    mark = Watermark()
    for n in (1, 2, 3):
        body = delivery(n)
        await push(inbox, body, signed(body))
        page = await read(source, mark, world)
        assert [p.id for p in page.posts] == [str(n)]
        mark = page.watermark
        assert (await read(source, mark, world)).posts == ()


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"\xff\xfe", 400), (b"x" * 5_000_000, 413), (delivery(1), 401)],
)
async def test_a_body_that_cannot_be_taken_is_refused(
    body: bytes, status: int, inbox: Inbox, store: Store
) -> None:
    headers = signed(body, secret=SECRET if status != 401 else "another")
    assert (await push(inbox, body, headers))[0] == status
    assert await store.delivered(0) == ()


async def test_deliveries_of_another_shape_are_told_and_the_rest_is_read(
    source: Webhook, world: World
) -> None:
    async def pending(after: int) -> list[Delivery]:
        bodies = ["no json", '{"items":3}', delivery(1).decode()][after:]
        return [Delivery(id=n, at=T0, body=b) for n, b in enumerate(bodies, after + 1)]

    source.connect(pending)
    page = await read(source, Watermark(), world)
    assert (page.outcome, len(page.posts)) == (Outcome.SCHEMA_CHANGED, 1)
    assert page.detail == "2 of 3 deliveries could not be read: check the paths"
    assert page.watermark.id == "3"
    page = await read(source, Watermark(id="1"), world)
    assert page.outcome is Outcome.PARTIAL


async def test_long_silence_is_stale_not_calm(source: Webhook, world: World) -> None:
    page = await read(source, Watermark(), world)
    assert page.outcome is Outcome.OK_EMPTY
    world.clock.forward(hours=23)
    page = await read(source, page.watermark, world)
    assert page.outcome is Outcome.OK_EMPTY
    world.clock.forward(hours=2)
    page = await read(source, page.watermark, world)
    assert (page.outcome, page.watermark.covered_to) == (Outcome.STALE, T0)
    assert "does the provider push?" in page.detail


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WEBHOOK_SECRET", "short"),
        ("WEBHOOK_CONFIG", "{"),
        ("WEBHOOK_CONFIG", '{"paths":{"items":"a b","text":"t"}}'),
        ("WEBHOOK_PORT", "x"),
        ("WEBHOOK_SILENT_HOURS", "0"),
    ],
)
def test_a_setting_that_makes_no_sense_is_named(name: str, value: str, world: World) -> None:
    with pytest.raises(BadSetting, match=name):
        world.source("webhook", **(SETTINGS | {name: value}))
