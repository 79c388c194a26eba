"""Weibo's commercial search, a shape fixture, no recording."""

from datetime import UTC, datetime

from aiohttp import web

from bot.demo.platforms import Clock, Platform, Served, weibo_status

TOKEN = "weibo-business-demo-secret"
WALL = 1000  # posts of a query that are given at most


def weibo_business(clock: Clock) -> Served:
    """Serve twenty pages of fifty posts up to endtime, and no more."""
    platform = Platform("weibo_business", (), clock)

    async def search(request: web.Request) -> web.Response:
        asked = request.query
        if asked.get("access_token") != TOKEN:
            return error(403, 21301, "auth by Null spi!")
        size, number = int(asked.get("count", "10")), int(asked.get("page", "1"))
        if not 10 <= size <= 50 or set(asked["q"]) & set('{}"'):
            return error(400, 10008, "parameter error")
        hits = platform.visible(asked["q"])
        if end := asked.get("endtime"):
            until = datetime.fromtimestamp(int(end), UTC)
            hits = [p for p in hits if p.at <= until]
        shown = hits[:WALL][(number - 1) * size : number * size]
        statuses = [weibo_status(p, gone=p.id in platform.deleted) for p in shown]
        return web.json_response({"statuses": statuses, "total_number": len(hits)})

    return Served(
        platform=platform,
        prefix="/business/",
        routes=[web.get("/business/2/search/statuses/limited.json", search)],
        settings=lambda base: {
            "WEIBO_BUSINESS_TOKEN": TOKEN,
            "WEIBO_BUSINESS_BASE_URL": base + "/business",
        },
    )


def error(status: int, code: int, words: str) -> web.Response:
    """Return an error as the interface writes it."""
    body = {"request": "/2/search/statuses/limited.json", "error_code": code, "error": words}
    return web.json_response(body, status=status)
