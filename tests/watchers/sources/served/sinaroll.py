"""Sina's roll of news, a shape fixture, no recording."""

from aiohttp import web

from bot.demo.platforms import Clock, Platform, Served


def sinaroll(clock: Clock) -> Served:
    """Serve every article in every channel, newest first, fifty a page; no robots.txt."""
    platform = Platform("sinaroll", (), clock)

    async def roll(request: web.Request) -> web.Response:
        asked = request.query
        if asked["pageid"] != "153" or "callback" in asked:
            return web.Response(text="callback({})")
        number, size = int(asked["page"]), int(asked["num"])
        shown = platform.visible()[(number - 1) * size : number * size]
        data = [
            {
                "title": p.text.partition("\n")[0],
                "intro": p.text.partition("\n")[2],
                "url": p.url or f"https://news.sina.com.cn/c/{p.id}.shtml?utm_x={number}",
                "media_name": p.author.handle,
                "ctime": str(int(p.at.timestamp())),
                "mtime": int(p.at.timestamp()) + 100,
            }
            for p in shown
        ]
        return web.json_response({"result": {"status": {"code": 0}, "data": data}})

    return Served(
        platform=platform,
        prefix="/sinaroll/",
        routes=[web.get("/sinaroll/api/roll/get", roll)],
        settings=lambda base: {
            "SINAROLL_BASE_URL": base + "/sinaroll",
            "SINAROLL_CHANNELS": "2509 2516",
            "SINAROLL_REASON": "own brand, asked counsel",
        },
    )
