"""Mastodon against `mastodon_mock`, a server of its API that others wrote.

It differs from a real one: search ignores min_id and max_id, ids are short, a Chinese tag with hits
answers 500. Those are told by our own fixtures.
"""

from datetime import timedelta

import httpx
import pytest

from tests.live.conftest import now
from watchers.http import Http
from watchers.model import Outcome, Watermark
from watchers.sources import SOURCES, Source

pytestmark = pytest.mark.heavy
TOKEN = "mock_token"


def source(http: Http, base: str, **more: str) -> Source:
    return SOURCES["mastodon"].make(http, {"MASTODON_BASE_URL": base} | more)


async def post(base: str, text: str) -> str:
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.post(
            f"{base}/api/v1/statuses",
            data={"status": text},
            headers={"Authorization": f"Bearer {TOKEN}"},
        )
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


async def fault(base: str, path: str, effect: dict[str, object]) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        rule = {"match": {"path": path}, "effect": effect, "count": 1}
        answer = await client.post(f"{base}/api/v1/_mock/faults", json=rule)
    assert answer.status_code < 300, answer.text


async def test_words_are_searched_with_a_token(http: Http, mastodon: str) -> None:
    ids = [await post(mastodon, f"奥岚取暖器冒烟，第{n}台 the") for n in range(3)]
    made = source(http, mastodon, MASTODON_TOKEN=TOKEN)
    page = await made.search("奥岚", Watermark(), now=now())
    assert page.outcome is Outcome.OK, page.detail
    assert {p.id for p in page.posts} >= set(ids)
    found = next(p for p in page.posts if p.id == ids[0])
    assert found.text.startswith("奥岚取暖器冒烟，第0台")
    assert found.created_at is not None
    assert abs(now() - found.created_at) < timedelta(minutes=5)
    assert found.url.startswith("http")
    again = await made.search("奥岚", page.watermark, now=now())
    assert again.outcome.healthy
    new = await post(mastodon, "奥岚又冒烟了 the")
    third = await made.search("奥岚", again.watermark, now=now())
    assert new in {p.id for p in third.posts}


async def test_a_tag_is_read_without_a_token(http: Http, mastodon: str) -> None:
    id_ = await post(mastodon, "Aulane heaters smoke #aulane")
    page = await source(http, mastodon).search("#aulane", Watermark(), now=now())
    assert page.outcome is Outcome.OK, page.detail
    assert [p.id for p in page.posts] == [id_]
    nothing = await source(http, mastodon).search("#nobodysaysthis", Watermark(), now=now())
    assert nothing.outcome is Outcome.OK_EMPTY


async def test_the_connection_test_finds_rules_and_search(http: Http, mastodon: str) -> None:
    await post(mastodon, "the weather is fine")
    outcome, words = await source(http, mastodon, MASTODON_TOKEN=TOKEN).check(now())
    assert (outcome, words) == (Outcome.OK, "works: words and tags, all posts it knows")


async def test_its_refusal_is_waited_out_and_its_nonsense_is_told(
    http: Http, mastodon: str
) -> None:
    made = source(http, mastodon, MASTODON_TOKEN=TOKEN)
    at = now()
    await fault(mastodon, "/api/v2/search", {"type": "ratelimit"})
    page = await made.search("奥岚", Watermark(), now=at)
    assert page.outcome is Outcome.RATE_LIMITED
    assert page.until is not None
    assert timedelta(seconds=1) < page.until - at <= timedelta(minutes=16)
    await fault(mastodon, "/api/v2/search", {"type": "malformed"})
    fresh = source(http, mastodon, MASTODON_TOKEN=TOKEN)
    assert (await fresh.search("奥岚", Watermark(), now=at)).outcome is Outcome.SCHEMA_CHANGED
    assert (await fresh.search("奥岚", Watermark(), now=at)).outcome.healthy
