"""X's recent search and counts, a shape fixture, no recording."""

import re
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from aiohttp import web

from bot.demo.platforms import Clock, Platform, Served
from watchers.model import Post

TOKEN = "x-demo-secret"
OLDEST = timedelta(days=7)


class Server:
    """Serves posts newest first, by id and time, under tweet and post names alike."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.platform = Platform("x", (), clock)

    def hits(self, query: str) -> list[Post]:
        """Read ("a" OR "b") lang:zh -is:retweet, as far as we send it."""
        text = re.sub(r"(lang:\w+|-is:\w+)", "", query)
        found = {
            post.id: post
            for part in text.split(" OR ")
            for post in self.platform.visible(" ".join(re.findall(r'"([^"]+)"', part)))
        }
        return sorted(found.values(), key=lambda p: (p.at, int(p.id)), reverse=True)

    async def search(self, request: web.Request) -> web.Response:
        asked = request.query
        size = int(asked.get("max_results", "10"))
        fields = asked.get("tweet.fields", "") + asked.get("post.fields", "")
        if no := refuses(request):
            return no
        if not 10 <= size <= 100 or len(asked["query"]) > 512 or "author_id" not in fields:
            return problem(400, "invalid-request")
        found = self.hits(asked["query"])
        if since := asked.get("since_id"):
            known = next((p for p in self.platform.visible() if p.id == since), None)
            if known is None or self.clock() - known.at > OLDEST:
                return problem(400, "invalid-request")
            found = [p for p in found if p.at > known.at]
        return web.json_response(self.page(asked, found, size))

    def page(self, asked: Mapping[str, str], found: list[Post], size: int) -> dict[str, object]:
        found = [p for p in found if begin(asked) <= p.at < end(asked)]
        first = int(asked.get("next_token", "t0")[1:])
        shown = found[first : first + size]
        meta: dict[str, object] = {"result_count": len(shown)}
        if first + size < len(found):
            meta["next_token"] = f"t{first + size}"
        return {"data": [view(p) for p in shown], "meta": meta} if shown else {"meta": meta}

    async def counts(self, request: web.Request) -> web.Response:
        if no := refuses(request):
            return no
        asked = request.query
        per = Counter(hour(p.at) for p in self.hits(asked["query"]) if p.at >= begin(asked))
        if "天气" in asked["query"]:
            per[hour(self.clock())] += 1
        data = [
            {"start": f"{at:%Y-%m-%dT%H:00:00.000Z}", "tweet_count": n} for at, n in per.items()
        ]
        return web.json_response({"data": data, "meta": {"total_tweet_count": sum(per.values())}})


def x(clock: Clock) -> Served:
    """Serve X's recent search."""
    server = Server(clock)
    return Served(
        platform=server.platform,
        prefix="/x/",
        routes=[
            web.get("/x/2/tweets/search/recent", server.search),
            web.get("/x/2/tweets/counts/recent", server.counts),
        ],
        settings=lambda base: {
            "X_TOKEN": TOKEN,
            "X_BASE_URL": base + "/x",
            "X_USD_PER_MONTH": "1000",
            "X_FIRST_PAGES": "5",
        },
    )


def hour(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def refuses(request: web.Request) -> web.Response | None:
    if request.headers.get("Authorization") == f"Bearer {TOKEN}":
        return None
    return problem(401, "about:blank")


def problem(status: int, kind: str) -> web.Response:
    """Return an error as X writes it, in the shape of RFC 7807."""
    body = {"title": kind, "detail": "words", "type": f"https://api.twitter.com/2/problems/{kind}"}
    return web.json_response(body, status=status)


def begin(asked: Mapping[str, str]) -> datetime:
    return moment(asked, "start_time", datetime(2000, 1, 1, tzinfo=UTC))


def end(asked: Mapping[str, str]) -> datetime:
    return moment(asked, "end_time", datetime(2100, 1, 1, tzinfo=UTC))


def moment(asked: Mapping[str, str], key: str, default: datetime) -> datetime:
    text = asked.get(key)
    return datetime.fromisoformat(text) if text else default


def view(post: Post) -> dict[str, object]:
    return {
        "id": post.id,
        "text": post.text,
        "created_at": post.at.astimezone(UTC).isoformat(timespec="milliseconds")[:-6] + "Z",
        "author_id": post.author.id,
        "lang": "zh",
        "public_metrics": {
            "retweet_count": post.reposts or 0,
            "reply_count": post.comments or 0,
            "like_count": post.likes or 0,
            "quote_count": 0,
        },
    }
