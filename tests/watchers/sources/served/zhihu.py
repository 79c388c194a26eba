"""Zhihu's open platform: its own search and its web search, shape fixtures, no recordings."""

import re
from collections.abc import Awaitable, Callable

from aiohttp import web

from bot.demo.platforms import Clock, Platform, Served
from watchers.model import Post

SECRET = "zhihu-demo-secret"
HOST = re.compile(r'host=="([^"]+)"')
SINCE = re.compile(r"publish_time>=(\d+)")


def zhihu(clock: Clock) -> Served:
    """Serve zhihu_search: the ten best hits, no pages."""
    platform = Platform("zhihu", (), clock)

    async def search(request: web.Request) -> web.Response:
        if no := refuses(request, clock):
            return no
        query, most = request.query["Query"], int(request.query["Count"])
        if not 2 <= len(query) <= 100 or not 1 <= most <= 10:
            return answer(10001)
        hits = platform.visible(query)[:most]
        return answer(0, {"HasMore": False, "Items": [item(p, "www.zhihu.com") for p in hits]})

    return Served(
        platform=platform,
        prefix="/zhihu/",
        routes=[
            web.get("/zhihu/api/v1/content/zhihu_search", search),
            web.get("/zhihu/api/v1/quota", quota(clock)),
        ],
        settings=lambda base: {"ZHIHU_SECRET": SECRET, "ZHIHU_BASE_URL": base + "/zhihu"},
    )


def zhihuweb(clock: Clock) -> Served:
    """Serve global_search with its filter; a post stands on the host its publisher names."""
    platform = Platform("zhihuweb", (), clock)

    async def search(request: web.Request) -> web.Response:
        if no := refuses(request, clock):
            return no
        if "+" in request.raw_path.partition("?")[2]:
            return answer(10001)
        asked, most = request.query.get("Filter", ""), int(request.query["Count"])
        hosts, since = HOST.findall(asked), SINCE.search(asked)
        hits = [
            p
            for p in platform.visible(request.query["Query"])
            if (p.publisher or "news.sina.com.cn") in hosts
            and (since is None or p.at.timestamp() >= int(since[1]))
        ][:most]
        items = [item(p, p.publisher or "news.sina.com.cn") for p in hits]
        return answer(0, {"HasMore": False, "Items": items})

    return Served(
        platform=platform,
        prefix="/zhihuweb/",
        routes=[
            web.get("/zhihuweb/api/v1/content/global_search", search),
            web.get("/zhihuweb/api/v1/quota", quota(clock)),
        ],
        settings=lambda base: {"ZHIHUWEB_SECRET": SECRET, "ZHIHUWEB_BASE_URL": base + "/zhihuweb"},
    )


def refuses(request: web.Request, clock: Clock) -> web.Response | None:
    """Refuse a wrong secret, and a clock that is ten minutes off."""
    off = abs(int(request.headers.get("X-Request-Timestamp", "0")) - clock().timestamp())
    if request.headers.get("Authorization") != f"Bearer {SECRET}" or off > 600:
        return answer(20001)
    return None


def answer(code: int, data: object = None) -> web.Response:
    """Return the platform's envelope; its errors come with status 200."""
    body = {"Code": code, "Message": "success" if not code else "error", "Data": data}
    return web.json_response(body)


def quota(clock: Clock) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def told(request: web.Request) -> web.Response:
        row = {"APIID": request.query["APIIDs"], "TotalQuota": 5000, "RemainingQuota": 4990}
        return refuses(request, clock) or answer(0, [row])

    return told


def item(post: Post, host: str) -> dict[str, object]:
    title, _, text = post.text.partition("\n")
    return {
        "Title": title,
        "ContentType": "Article",
        "ContentID": post.id,
        "ContentText": text,
        "Url": f"https://{host}/{post.id}?utm_source=demo",
        "CommentCount": 3,
        "VoteUpCount": 8,
        "AuthorName": post.author.handle,
        "EditTime": int(post.at.timestamp()),
        "AuthorityLevel": "3",
    }
