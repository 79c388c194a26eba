"""A local server that answers as the real platforms do, so that the real watchers can poll it.

It serves posts as a clock makes them visible: newest first, filtered by the query, in pages, in
the shapes that sources.md gives. Verbs make the next answers go wrong. The demo runs it with
invented posts at accelerated time, the stories with recorded streams.
"""

import asyncio
import gzip
import html
import json
from bisect import bisect_right
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime
from urllib.parse import quote
from xml.sax.saxutils import escape, quoteattr

from aiohttp import web

from watchers.model import Author, Post

Clock = Callable[[], datetime]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Fault = Callable[[web.Request, Handler], Awaitable[web.StreamResponse]]

CHINA = timezone(timedelta(hours=8))
WEIBO_MOST = 20  # posts a page: the real gateway refuses more
BLUESKY_MOST, MASTODON_MOST, FEED_MOST = 100, 40, 50
WEIBO_TOKEN, MASTODON_TOKEN = "wb_demo", "demo-user-token"
BLUESKY_HANDLE, BLUESKY_PASSWORD = "fenghuo.demo", "demo-pass-word-only"
SMALL_TALK = frozenset({"天气", "the"})
FEED_PATH = "/feeds/portal.xml"
HOT_PATH = "/hot/api/s?id=weibo#name=Weibo_hot_search"
HOT_LENGTH = 50  # entries of the hot list
HOT_TALK = (
    "早餐吃什么最省事", "周末去哪里看花", "第一次做饭翻车了", "今晚的月亮真圆", "地铁上的小事",
    "这部剧的结局你猜到了吗", "冬天第一碗热汤", "猫为什么喜欢纸箱", "老歌新唱", "夜跑的人多起来了",
)  # fmt: skip


# ---------------------------------------------------------------------------------------- faults
def status(code: int, body: object = None, **headers: str) -> Fault:
    """Answer with CODE and a JSON error; `Retry_After="30"` gives a header."""

    async def fault(_request: web.Request, _handler: Handler) -> web.StreamResponse:
        said = {"error": {"code": f"E{code}", "message": "injected"}} if body is None else body
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.json_response(said, status=code, headers=named)

    return fault


def too_many(retry_after: int | None = None) -> Fault:
    """Answer 429, with or without the seconds to wait."""
    body = {"error": {"code": "TOO_MANY_REQUESTS", "message": "injected"}}
    if retry_after is None:
        return status(429, body)
    return status(429, body, Retry_After=str(retry_after))


WELCOME = "<html><title>Welcome</title><body>hello</body></html>"


def page(text: str = WELCOME, *, kind: str = "text/html") -> Fault:
    """Answer 200 with TEXT, a web page as a rule, where data was due."""

    async def fault(_request: web.Request, _handler: Handler) -> web.StreamResponse:
        return web.Response(text=text, content_type=kind)

    return fault


def login_wall() -> Fault:
    """Answer 200 with the page a visitor without a login gets."""
    return page("<!DOCTYPE html><html><head><title>Sina Visitor System</title></head></html>")


def redirect(to: str) -> Fault:
    """Send the caller to the address TO."""

    async def fault(_request: web.Request, _handler: Handler) -> web.StreamResponse:
        return web.Response(status=302, headers={"Location": to})

    return fault


def truncated() -> Fault:
    """Answer with the first half of the true body, as if it were whole."""

    async def fault(request: web.Request, handler: Handler) -> web.StreamResponse:
        true = await handler(request)
        body = true.body if isinstance(true, web.Response) else None
        half = body[: len(body) // 2] if isinstance(body, bytes) else b'{"resu'
        return web.Response(body=half, content_type=true.content_type)

    return fault


def cut() -> Fault:
    """Break the connection in the middle of the answer."""

    async def fault(request: web.Request, _handler: Handler) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        response.content_type = "application/json"
        await response.prepare(request)
        await response.write(b'{"result":')
        if request.transport is not None:
            request.transport.close()
        return response

    return fault


def slow(seconds: float) -> Fault:
    """Give the true answer, but late."""

    async def fault(request: web.Request, handler: Handler) -> web.StreamResponse:
        await asyncio.sleep(seconds)
        return await handler(request)

    return fault


def drip(seconds: float) -> Fault:
    """Send a byte now and then, for SECONDS."""

    async def fault(request: web.Request, _handler: Handler) -> web.StreamResponse:
        response = web.StreamResponse()
        response.content_type = "application/json"
        await response.prepare(request)
        for _ in range(int(seconds * 20)):
            await response.write(b" ")
            await asyncio.sleep(0.05)
        return response

    return fault


def huge(size: int, *, packed: bool = False) -> Fault:
    """Answer with SIZE bytes of blanks, small on the wire where PACKED."""

    async def fault(_request: web.Request, _handler: Handler) -> web.StreamResponse:
        body = b"[" + b" " * size + b"]"
        if not packed:
            return web.Response(body=body, content_type="application/json")
        return web.Response(
            body=gzip.compress(body),
            content_type="application/json",
            headers={"Content-Encoding": "gzip"},
        )

    return fault


def changed(edit: Callable[[object], object]) -> Fault:
    """Answer truly, but with the JSON as EDIT makes it of the true one."""

    async def fault(request: web.Request, handler: Handler) -> web.StreamResponse:
        true = await handler(request)
        body = true.body if isinstance(true, web.Response) else None
        told = edit(json.loads(body)) if isinstance(body, bytes) else None
        return web.json_response(told, status=true.status)

    return fault


def says(body: object) -> Fault:
    """Answer 200 with BODY as JSON."""
    return status(200, body)


# -------------------------------------------------------------------------------------- platform
@dataclass(frozen=True, slots=True, kw_only=True)
class HotWord:
    """A title on the hot list: from when to when, and its ranks, each from a time on."""

    title: str
    ranks: tuple[tuple[datetime, int], ...]
    until: datetime

    def rank(self, at: datetime) -> int | None:
        """Return the rank at AT; None: it is not on the list then."""
        if at >= self.until:
            return None
        return next((rank for since, rank in reversed(self.ranks) if since <= at), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request that arrived."""

    path: str
    query: Mapping[str, str]
    body: object
    at: datetime


class Platform:
    """The posts of one platform, what is wrong with it, and what it was asked."""

    def __init__(self, name: str, posts: Iterable[Post], clock: Clock) -> None:
        self.name = name
        self.asked: list[Asked] = []
        self._clock = clock
        self._faults: deque[tuple[str, Fault | None]] = deque()
        self._posts: list[Post] = []
        self._found: dict[str, tuple[list[datetime], list[Post]]] = {}
        self.deleted: set[str] = set()
        self.silent = False
        self.add(posts)

    def add(self, posts: Iterable[Post]) -> None:
        """Take over those of POSTS that belong here and have a time."""
        mine = [p for p in posts if p.source == self.name and p.created_at is not None]
        self._posts = sorted([*self._posts, *mine], key=lambda p: p.at)
        self._found.clear()

    def delete(self, post_id: str) -> None:
        """Mark a post as deleted by its author."""
        self.deleted.add(post_id)

    def fail(self, fault: Fault, *, times: int = 1, after: int = 0, path: str = "") -> None:
        """Let the next TIMES answers at addresses that hold PATH go wrong, once AFTER went well."""
        self._faults.extend([(path, None)] * after + [(path, fault)] * times)

    def mend(self) -> None:
        """Let nothing more go wrong."""
        self._faults.clear()

    def next_fault(self, path: str) -> Fault | None:
        if self._faults and self._faults[0][0] in path:
            return self._faults.popleft()[1]
        return None

    def visible(self, query: str = "") -> list[Post]:
        """Return the posts that hold all words of QUERY and are out by now, newest first.

        Of what people always speak of there is a new one at any time, unless it is SILENT.
        """
        if query.casefold() in SMALL_TALK:
            return [] if self.silent else [_small_talk(self._clock(), self.name, query)]
        if query not in self._found:
            words = query.casefold().split()
            hits = [p for p in self._posts if _holds(p, words)]
            self._found[query] = ([p.at for p in hits], hits)
        times, hits = self._found[query]
        return hits[: bisect_right(times, self._clock())][::-1]


def _holds(post: Post, words: list[str]) -> bool:
    text = f"{post.text} {post.quoted}".casefold()
    return all(word in text for word in words)


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """One more platform for the server: its addresses, and the settings that point at them."""

    platform: Platform
    prefix: str  # of all its paths
    routes: Sequence[web.RouteDef]
    settings: Callable[[str], Mapping[str, str]]  # of the server's own address


class Platforms:
    """The server: `await start()`, then `settings()` is the environment that points at it."""

    def __init__(self, posts: Iterable[Post], clock: Clock, others: Iterable[Served] = ()) -> None:
        posts = list(posts)
        self._clock = clock
        self.others = {other.platform.name: other for other in others}
        self.weibo = Platform("weibo", posts, clock)
        self.bluesky = Platform("bluesky", posts, clock)
        self.mastodon = Platform("mastodon", posts, clock)
        self.feed = Platform("feed", posts, clock)
        self.hotlist = Platform("hotlist", (), clock)
        self.hot: tuple[HotWord, ...] = ()
        self.base = ""
        self.full_text = True  # can the Mastodon server search words?
        self.open_timelines = True  # may its tags be read without a login?
        self._session = 0  # how many access tokens Bluesky has given out
        self._runner: web.AppRunner | None = None

    def add(self, posts: Iterable[Post]) -> None:
        """Take over POSTS, each at its platform."""
        posts = list(posts)
        for platform in (self.weibo, self.bluesky, self.mastodon, self.feed):
            platform.add(posts)
        for other in self.others.values():
            other.platform.add(posts)

    async def start(self, port: int = 0) -> str:
        """Listen on this machine alone; return the address."""
        app = web.Application(middlewares=[self._faulty])
        app.router.add_post("/cli/api/cli/invoke", self._weibo_search)
        app.router.add_get("/cli/api/cli/whoami", self._weibo_whoami)
        app.router.add_get("/cli/api/cli/commands", self._weibo_commands)
        app.router.add_post("/xrpc/com.atproto.server.createSession", self._bluesky_login)
        app.router.add_post("/xrpc/com.atproto.server.refreshSession", self._bluesky_refresh)
        app.router.add_get("/xrpc/app.bsky.feed.searchPosts", self._bluesky_search)
        app.router.add_get("/api/v2/instance", self._mastodon_instance)
        app.router.add_get("/api/v1/timelines/tag/{tag}", self._mastodon_tag)
        app.router.add_get("/api/v2/search", self._mastodon_search)
        app.router.add_get("/feeds/{name}", self._rss)
        app.router.add_get("/hot/api/s", self._hot_list)
        for other in self.others.values():
            app.router.add_routes(other.routes)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port)
        await site.start()
        host, bound = self._runner.addresses[0][:2]
        self.base = f"http://{host}:{bound}"
        return self.base

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def settings(self) -> dict[str, str]:
        """Return the settings that make the sources poll this server."""
        others = {
            k: v for other in self.others.values() for k, v in other.settings(self.base).items()
        }
        return others | {
            "WEIBO_TOKEN": WEIBO_TOKEN,
            "WEIBO_BASE_URL": self.base,
            "WEIBO_CREDITS_PER_MONTH": "1000000",
            "WEIBO_CANARY_EVERY": "3600",
            "BLUESKY_HANDLE": BLUESKY_HANDLE,
            "BLUESKY_APP_PASSWORD": BLUESKY_PASSWORD,
            "BLUESKY_BASE_URL": self.base,
            "MASTODON_BASE_URL": self.base,
            "MASTODON_TOKEN": MASTODON_TOKEN,
            "FEED_URLS": self.base + FEED_PATH,
            "HOTLISTS": self.base + HOT_PATH,
        }

    def _platform(self, path: str) -> Platform:
        prefixes = {other.prefix: other.platform for other in self.others.values()} | {
            "/cli/": self.weibo,
            "/xrpc/": self.bluesky,
            "/api/": self.mastodon,
            "/hot/": self.hotlist,
        }
        return next((p for start, p in prefixes.items() if path.startswith(start)), self.feed)

    @web.middleware
    async def _faulty(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Note the request, and let it go wrong where a fault is due."""
        platform = self._platform(request.path)
        body = await request.json() if request.can_read_body else None
        platform.asked.append(
            Asked(path=request.path, query=dict(request.query), body=body, at=self._clock())
        )
        fault = platform.next_fault(request.path)
        return await (fault(request, handler) if fault else handler(request))

    # ----------------------------------------------------------------------------------- Weibo
    def _weibo_refuses(self, request: web.Request) -> web.Response | None:
        if request.headers.get("Authorization") == f"Bearer {WEIBO_TOKEN}":
            return None
        return _weibo_error(401, "UNAUTHORIZED")

    async def _weibo_search(self, request: web.Request) -> web.Response:
        if (no := self._weibo_refuses(request)) is not None:
            return no
        asked = await request.json()
        args = asked.get("args", {})
        count, number = int(args.get("count", 20)), int(args.get("page", 1))
        if asked.get("action") != "statuses/limited" or not args.get("q") or "type" not in args:
            return _weibo_error(400, "INVALID_PARAMETER")
        if count > WEIBO_MOST:
            return _weibo_error(400, "COUNT_EXCEEDS_MAX")
        hits = self.weibo.visible(str(args["q"]))
        shown = hits[(number - 1) * count : number * count]
        statuses = [weibo_status(p, gone=p.id in self.weibo.deleted) for p in shown]
        return web.json_response({"result": {"total_number": len(hits), "statuses": statuses}})

    async def _weibo_whoami(self, request: web.Request) -> web.Response:
        no = self._weibo_refuses(request)
        return no or web.json_response({"uid": "10001", "developer_verified": True})

    async def _weibo_commands(self, request: web.Request) -> web.Response:
        row = {"group": "search", "action": "statuses/limited", "access": "available"}
        return self._weibo_refuses(request) or web.json_response({"commands": [row]})

    # --------------------------------------------------------------------------------- Bluesky
    def expire_session(self) -> None:
        """Let the access token that is in use end; the refresh token goes on."""
        self._session += 1

    def _tokens(self, kind: str) -> str:
        return f"eyJ{kind}.{self._session}.demo"

    def _new_session(self) -> web.Response:
        self._session += 1
        return web.json_response(
            {
                "did": "did:plc:fenghuodemo",
                "handle": BLUESKY_HANDLE,
                "accessJwt": self._tokens("access"),
                "refreshJwt": "eyJrefresh.0.demo",
            }
        )

    async def _bluesky_login(self, request: web.Request) -> web.Response:
        asked = await request.json()
        if (asked.get("identifier"), asked.get("password")) != (BLUESKY_HANDLE, BLUESKY_PASSWORD):
            return _xrpc_error(401, "AuthenticationRequired")
        return self._new_session()

    async def _bluesky_refresh(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != "Bearer eyJrefresh.0.demo":
            return _xrpc_error(400, "ExpiredToken")
        return self._new_session()

    async def _bluesky_search(self, request: web.Request) -> web.Response:
        token = request.headers.get("Authorization", "")
        if not token:
            return _xrpc_error(401, "AuthMissing")
        if token != f"Bearer {self._tokens('access')}":
            return _xrpc_error(400, "ExpiredToken")
        query, limit = request.query.get("q", ""), int(request.query.get("limit", "25"))
        if not query or not 1 <= limit <= BLUESKY_MOST:
            return _xrpc_error(400, "InvalidRequest")
        hits = [p for p in self.bluesky.visible(query) if p.id not in self.bluesky.deleted]
        since, until = request.query.get("since"), request.query.get("until")
        if since:
            hits = [p for p in hits if p.at >= datetime.fromisoformat(since)]
        if until:
            hits = [p for p in hits if p.at < datetime.fromisoformat(until)]
        first = _after_cursor(hits, request.query.get("cursor", ""))
        shown = hits[first : first + limit]
        answer: dict[str, object] = {"posts": [_bluesky_view(p) for p in shown]}
        if first + limit < len(hits):
            answer["cursor"] = f"{int(shown[-1].at.timestamp() * 1000)}__{shown[-1].id}"
        return web.json_response(answer, headers={"ratelimit-remaining": "2999"})

    # -------------------------------------------------------------------------------- Mastodon
    async def _mastodon_instance(self, _request: web.Request) -> web.Response:
        access = "public" if self.open_timelines else "authenticated"
        feeds = {"local": access, "remote": access}
        configuration = {"timelines_access": {"live_feeds": feeds, "hashtag_feeds": feeds}}
        return web.json_response(
            {"domain": "demo.example", "version": "4.6.0", "configuration": configuration}
        )

    def _known_user(self, request: web.Request) -> bool:
        return request.headers.get("Authorization") == f"Bearer {MASTODON_TOKEN}"

    async def _mastodon_tag(self, request: web.Request) -> web.Response:
        if not self.open_timelines and not self._known_user(request):
            return web.json_response([])  # as seen: a closed feed looks like an empty one
        hits = self.mastodon.visible(f"#{request.match_info['tag']}")
        return web.json_response([toot(p) for p in self._toots(hits, request)])

    async def _mastodon_search(self, request: web.Request) -> web.Response:
        found: list[Post] = []
        if self.full_text and self._known_user(request):
            found = self._toots(self.mastodon.visible(request.query.get("q", "")), request)
        empty: dict[str, object] = {"accounts": [], "hashtags": []}
        return web.json_response(empty | {"statuses": [toot(p) for p in found]})

    def _toots(self, hits: list[Post], request: web.Request) -> list[Post]:
        """Return the page of HITS asked for: min_id goes forward from there, max_id back."""
        limit = min(int(request.query.get("limit", "20")), MASTODON_MOST)
        hits = [p for p in hits if p.id not in self.mastodon.deleted]
        if least := request.query.get("min_id"):
            return [p for p in hits if _toot_id(p) > int(least)][-limit:]
        if most := request.query.get("max_id"):
            hits = [p for p in hits if _toot_id(p) < int(most)]
        offset = int(request.query.get("offset", "0"))
        return hits[offset : offset + limit]

    # -------------------------------------------------------------------------------- hot list
    async def _hot_list(self, request: web.Request) -> web.Response:
        """Answer as a newsnow server does: what is always talked of, and `hot` at its ranks."""
        now = self._clock()
        hour = int(now.timestamp()) // 3600
        titles = [f"{HOT_TALK[(n + hour) % len(HOT_TALK)]} {n}" for n in range(HOT_LENGTH)]
        standing = [(rank, w.title) for w in self.hot if (rank := w.rank(now)) is not None]
        for rank, title in sorted(standing):
            titles.insert(rank - 1, title)
        items = [
            {"id": title, "title": title, "url": f"https://hot.example.cn/s?q={quote(title)}"}
            for title in titles[:HOT_LENGTH]
        ]
        id_ = request.query.get("id", "")
        said = {"status": "success", "id": id_, "updatedTime": int(now.timestamp() * 1000)}
        return web.json_response(said | {"items": items})

    # ------------------------------------------------------------------------------------ feed
    async def _rss(self, request: web.Request) -> web.Response:
        hits = [p for p in self.feed.visible() if p.id not in self.feed.deleted][:FEED_MOST]
        newest = hits[0].at if hits else datetime(2000, 1, 1, tzinfo=UTC)
        tag = f'"{len(hits)}-{int(newest.timestamp())}"'
        headers = {"ETag": tag, "Last-Modified": format_datetime(newest, usegmt=True)}
        if request.headers.get("If-None-Match") == tag:
            return web.Response(status=304, headers=headers)
        items = "".join(map(_rss_item, hits))
        text = (
            '<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"><channel>'
            f"<title>Demo portal</title><link>{self.base}</link><ttl>5</ttl>{items}"
            "</channel></rss>"
        )
        return web.Response(text=text, content_type="application/rss+xml", headers=headers)


# ---------------------------------------------------------------------------------------- shapes
def _weibo_error(code: int, name: str) -> web.Response:
    return web.json_response({"error": {"code": name, "message": name.lower()}}, status=code)


def weibo_status(post: Post, *, gone: bool) -> dict[str, object]:
    """Return POST as Weibo's interfaces write one."""
    raw: dict[str, object] = {
        "idstr": post.id,
        "mid": post.id,
        "created_at": post.at.astimezone(CHINA).strftime("%a %b %d %H:%M:%S %z %Y"),
        "text": html.escape(post.text, quote=False),
        "user": {
            "idstr": post.author.id,
            "screen_name": post.author.handle,
            "followers_count": post.author.followers,
            "verified": post.author.verified,
        },
        "visible": {"type": 0, "list_id": 0},
    }
    if post.id.isdigit():
        raw["id"] = int(post.id)
    counts = {
        "reposts_count": post.reposts,
        "comments_count": post.comments,
        "attitudes_count": post.likes,
    }
    raw |= {key: value for key, value in counts.items() if value is not None}
    if post.parent_id is not None:
        quoted = html.escape(post.quoted, quote=False)
        raw["retweeted_status"] = {"idstr": post.parent_id, "text": quoted}
    if gone:
        raw["deleted"] = "1"
    return raw


def _xrpc_error(code: int, name: str) -> web.Response:
    return web.json_response({"error": name, "message": name}, status=code)


def _after_cursor(hits: list[Post], cursor: str) -> int:
    """Return the place of the first of HITS after CURSOR, the time and id of the one before."""
    if not cursor:
        return 0
    last = cursor.partition("__")[2]
    return next((i + 1 for i, p in enumerate(hits) if p.id == last), len(hits))


def _bluesky_view(post: Post) -> dict[str, object]:
    did = post.author.id if post.author.id.startswith("did:") else f"did:plc:{post.author.id}"
    uri = post.id if post.id.startswith("at://") else f"at://{did}/app.bsky.feed.post/{post.id}"
    at = post.at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {
        "uri": uri,
        "cid": "bafydemo",
        "author": {"did": did, "handle": post.author.handle, "displayName": post.author.display},
        "record": {
            "$type": "app.bsky.feed.post",
            "text": post.text,
            "langs": ["zh"],
            "createdAt": at,
        },
        "replyCount": post.comments or 0,
        "repostCount": post.reposts or 0,
        "likeCount": post.likes or 0,
        "quoteCount": 0,
        "indexedAt": at,
        "labels": [],
    }


def _small_talk(at: datetime, source: str, word: str) -> Post:
    """Return a post that proves nothing but that search works."""
    author = Author(id="1", handle="passer-by", display="Passer-by")
    return Post(
        source=source,
        id="1",
        url="",
        text=f"{word}: fine today",
        author=author,
        created_at=at,
        retrieved_at=at,
    )


def _toot_id(post: Post) -> int:
    """Return an id as Mastodon makes them: milliseconds, then 16 bits to tell posts apart."""
    return (int(post.at.timestamp() * 1000) << 16) + sum(post.id.encode()) % 65536


def toot(post: Post) -> dict[str, object]:
    """Return POST as Mastodon writes one."""
    id_ = str(_toot_id(post))
    return {
        "id": id_,
        "created_at": post.at.astimezone(UTC).isoformat(timespec="milliseconds")[:-6] + "Z",
        "url": f"https://demo.example/@{post.author.handle}/{id_}",
        "uri": f"https://demo.example/users/{post.author.handle}/statuses/{id_}",
        "content": f"<p>{html.escape(post.text, quote=False)}</p>",
        "language": "zh",
        "reblogs_count": post.reposts or 0,
        "favourites_count": post.likes or 0,
        "replies_count": post.comments or 0,
        "reblog": None,
        "in_reply_to_id": None,
        "spoiler_text": "",
        "account": {
            "id": post.author.id,
            "acct": post.author.handle,
            "display_name": post.author.display,
            "followers_count": post.author.followers or 0,
            "bot": False,
        },
        "tags": [],
    }


def _rss_item(post: Post) -> str:
    title, _, rest = post.text.partition("\n")
    publisher = post.publisher or post.author.display or post.author.handle
    link = post.url or f"https://portal.example/{post.id}"
    at = format_datetime(post.at.astimezone(CHINA))
    return (
        f"<item><title>{escape(title)}</title><link>{escape(link)}</link>"
        f'<guid isPermaLink="false">{escape(post.id)}</guid><pubDate>{at}</pubDate>'
        f"<description>{escape(rest)}</description>"
        f"<source url={quoteattr(link)}>{escape(publisher)}</source></item>"
    )
