"""Weibo's public search page, as it answers who is let in: a shape fixture, no recording."""

import re

from aiohttp import web

from bot.demo.platforms import Clock, Platform, Served, weibo_status


def weibo_page(clock: Clock) -> Served:
    """Serve page 1: ten posts in cards, some of them in a group."""
    platform = Platform("weibo_page", (), clock)

    async def index(request: web.Request) -> web.Response:
        asked = re.fullmatch(r"100103type=61&q=(.+)&t=0", request.query.get("containerid", ""))
        if asked is None or request.query.get("page") != "1" or "Cookie" in request.headers:
            return web.json_response({"ok": -100, "url": "https://passport.example.cn/"})
        hits = platform.visible(asked[1])[:10]
        cards = [
            {"card_type": 9, "mblog": weibo_status(p, gone=p.id in platform.deleted)} for p in hits
        ]
        if not cards:
            return web.json_response({"ok": 0, "msg": "这里还没有内容", "data": {"cards": []}})
        group = {"card_type": 11, "card_group": cards[1:]}
        body = {"ok": 1, "data": {"cardlistInfo": {"page": 2}, "cards": [cards[0], group]}}
        return web.json_response(body)

    return Served(
        platform=platform,
        prefix="/weibopage/",
        routes=[web.get("/weibopage/api/container/getIndex", index)],
        settings=lambda base: {
            "WEIBO_PAGE_REASON": "our own brand; counsel has agreed",
            "WEIBO_PAGE_BASE_URL": base + "/weibopage",
        },
    )
