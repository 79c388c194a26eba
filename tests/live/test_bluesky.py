"""Bluesky against its own servers: PDS, directory and app view of npm's @atproto/dev-env 0.6.7.

They differ from the network in one thing that matters here: their search ignores since, until, lang
and sort, and matches as SQL does.
"""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.live.conftest import now, until
from watchers.http import Http
from watchers.model import Outcome, Watermark
from watchers.sources import SOURCES, Source

pytestmark = pytest.mark.heavy
HANDLE, PASSWORD = "aulane-watch.test", "demo-password"


class Account:
    """Somebody who posts, by the server's own interface."""

    def __init__(self, base: str) -> None:
        self._client = httpx.AsyncClient(base_url=base, trust_env=False, timeout=20)
        self.did = ""

    async def call(self, name: str, **body: object) -> dict[str, Any]:
        answer = await self._client.post(f"/xrpc/{name}", json=body)
        assert answer.status_code == 200, answer.text
        return dict(answer.json()) if answer.content else {}

    async def open(self, handle: str, password: str) -> None:
        """Make the account, or log in where it is made already."""
        answer = await self._client.post(
            "/xrpc/com.atproto.server.createAccount",
            json={"handle": handle, "email": f"{handle}@example.org", "password": password},
        )
        if "already taken" in answer.text:
            answer = await self._client.post(
                "/xrpc/com.atproto.server.createSession",
                json={"identifier": handle, "password": password},
            )
        assert answer.status_code == 200, answer.text
        told = answer.json()
        self.did = told["did"]
        self._client.headers["Authorization"] = f"Bearer {told['accessJwt']}"

    async def post(self, text: str) -> str:
        record = {
            "$type": "app.bsky.feed.post",
            "text": text,
            "langs": ["zh"],
            "createdAt": now().isoformat().replace("+00:00", "Z"),
        }
        told = await self.call(
            "com.atproto.repo.createRecord",
            repo=self.did,
            collection="app.bsky.feed.post",
            record=record,
        )
        return str(told["uri"])

    async def close(self) -> None:
        await self._client.aclose()


@pytest.fixture
async def author(bluesky: str) -> Any:
    made = Account(bluesky)
    try:
        await made.open(HANDLE, PASSWORD)
        yield made
    finally:
        await made.close()


def source(http: Http, base: str, password: str = PASSWORD) -> Source:
    given = {
        "BLUESKY_BASE_URL": base,
        "BLUESKY_HANDLE": HANDLE,
        "BLUESKY_APP_PASSWORD": password,
    }
    return SOURCES["bluesky"].make(http, given)


async def test_what_is_written_there_is_found_and_found_once(
    http: Http, bluesky: str, author: Account
) -> None:
    uris = [await author.post(f"奥岚取暖器半夜冒烟，第{n}台") for n in range(3)]
    made = source(http, bluesky)

    async def found() -> bool:
        page = await made.search("奥岚取暖器", Watermark(), now=now())
        return {p.id for p in page.posts} >= set(uris)

    await until(found)
    page = await source(http, bluesky).search("奥岚取暖器", Watermark(), now=now())
    assert page.outcome is Outcome.OK, page.detail
    post = next(p for p in page.posts if p.id == uris[0])
    assert post.text == "奥岚取暖器半夜冒烟，第0台"
    assert post.author.handle == HANDLE
    assert post.author.id == author.did
    assert post.url == f"https://bsky.app/profile/{author.did}/post/{uris[0].rsplit('/', 1)[1]}"
    assert post.created_at is not None
    assert abs(now() - post.created_at) < timedelta(minutes=5)
    assert post.lang == "zh"
    again = await made.search("奥岚取暖器", page.watermark, now=now())
    assert again.outcome.healthy
    nothing = await made.search("没有人说过这个", Watermark(), now=now())
    assert nothing.outcome is Outcome.OK_EMPTY


async def test_pages_are_followed_by_the_server_s_own_cursor(
    http: Http, bluesky: str, author: Account
) -> None:
    uris = {await author.post(f"骑云单车第{n}次崩溃") for n in range(105)}
    made = source(http, bluesky)

    async def found() -> bool:
        page = await made.search("骑云单车", Watermark(), now=now())
        return len(uris & {p.id for p in page.posts}) == len(uris)

    await until(found, within=40)
    page = await source(http, bluesky).search("骑云单车", Watermark(), now=now())
    assert {p.id for p in page.posts} >= uris
    assert page.requests > 2  # the login, and more than one page


async def test_a_wrong_password_wants_a_login_and_a_worn_session_is_renewed(
    http: Http, bluesky: str, author: Account
) -> None:
    del author
    wrong = await source(http, bluesky, "another").search("奥岚", Watermark(), now=now())
    assert wrong.outcome is Outcome.AUTH_REQUIRED
    assert "another" not in wrong.detail
    outcome, words = await source(http, bluesky).check(now())
    assert outcome is Outcome.OK, words


async def test_many_at_once_share_one_session(http: Http, bluesky: str, author: Account) -> None:
    await author.post("奥岚今天很安静")
    made = source(http, bluesky)
    pages = await asyncio.gather(
        *(made.search(f"奥岚{n}", Watermark(), now=now()) for n in range(5))
    )
    assert all(page.outcome.healthy for page in pages)
    assert made.left(now()) == ("19 of 20 logins left this day",)
