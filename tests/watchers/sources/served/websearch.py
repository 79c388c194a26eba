"""Searches of the web: Tencent's, Baidu's, GDELT. Shape fixtures, no recordings."""

import hashlib
import hmac
import json
import re
from datetime import UTC, datetime, timedelta

from aiohttp import web

from bot.demo.platforms import Clock, Platform, Served
from watchers.model import Post
from watchers.timetext import CHINA

WSA_ID, WSA_KEY = "wsa-demo-id", "wsa-demo-secret"
QIANFAN_KEY = "qianfan-demo-secret"


# ----------------------------------------------------------------------------------------- Tencent
def wsa(clock: Clock) -> Served:
    """Serve SearchPro, once the signature is right; errors come with status 200."""
    platform = Platform("wsa", (), clock)

    async def search(request: web.Request) -> web.Response:
        raw = await request.read()
        if fault := signed_wrongly(request, raw, clock()):
            return wsa_error(fault)
        asked = json.loads(raw)
        days = re.fullmatch(r"d(\d+)", asked.get("Freshness", ""))
        if days is None or request.headers["X-TC-Action"] != "SearchPro":
            return wsa_error("InvalidParameter")
        floor = clock() - timedelta(days=int(days[1]))
        hits = [p for p in platform.visible(asked["Query"]) if p.at >= floor][:10]
        pages = [json.dumps(wsa_page(p), ensure_ascii=False) for p in hits]
        said = {"Query": asked["Query"], "Pages": pages, "Version": "lite", "RequestId": "r"}
        return web.json_response({"Response": said})

    return Served(
        platform=platform,
        prefix="/wsa/",
        routes=[web.post("/wsa/", search)],
        settings=lambda base: {
            "WSA_SECRET_ID": WSA_ID,
            "WSA_SECRET_KEY": WSA_KEY,
            "WSA_BASE_URL": base + "/wsa",
        },
    )


def signed_wrongly(request: web.Request, body: bytes, now: datetime) -> str:
    """Recompute the signature of REQUEST from what arrived; empty: it is right."""
    moment = request.headers.get("X-TC-Timestamp", "0")
    if abs(int(moment) - now.timestamp()) > 300:
        return "AuthFailure.SignatureExpire"
    day = f"{datetime.fromtimestamp(int(moment), UTC):%Y-%m-%d}"
    kind, host = request.headers["Content-Type"], request.headers["Host"]
    lines = f"POST\n/\n\ncontent-type:{kind}\nhost:{host}\n\ncontent-type;host\n{sha(body)}"
    text = f"TC3-HMAC-SHA256\n{moment}\n{day}/wsa/tc3_request\n{sha(lines.encode())}"
    key = mac(mac(mac(b"TC3" + WSA_KEY.encode(), day), "wsa"), "tc3_request")
    right = f"Credential={WSA_ID}/{day}/wsa/tc3_request, SignedHeaders=content-type;host, "
    right = f"TC3-HMAC-SHA256 {right}Signature={mac(key, text).hex()}"
    return "" if request.headers.get("Authorization") == right else "AuthFailure.SignatureFailure"


def sha(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def mac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")


def wsa_error(code: str) -> web.Response:
    error = {"Code": code, "Message": "words"}
    return web.json_response({"Response": {"Error": error, "RequestId": "r"}})


def wsa_page(post: Post) -> dict[str, object]:
    title, _, text = post.text.partition("\n")
    return {
        "title": title,
        "date": f"{post.at.astimezone(CHINA):%Y-%m-%d %H:%M:%S}",
        "url": post.url or f"https://new.qq.com/rain/a/{post.id}",
        "passage": text,
        "content": "",
        "site": post.publisher or "腾讯网",
        "score": 0.9,
    }


# ------------------------------------------------------------------------------------------- Baidu
def qianfan(clock: Clock) -> Served:
    """Serve the fifty best hits, with their day alone."""
    platform = Platform("qianfan", (), clock)

    async def search(request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != f"Bearer {QIANFAN_KEY}":
            return web.json_response({"code": "invalid_api_key", "message": "auth failed"})
        asked = await request.json()
        (message,) = asked["messages"]
        most = asked["resource_type_filter"][0]["top_k"]
        if most > 50 or not asked["search_filter"]["match"]["site"]:
            return web.json_response({"code": "invalid_argument", "message": "top_k"})
        hits = platform.visible(message["content"])[:most]
        found = [qianfan_page(n, p) for n, p in enumerate(hits, 1)]
        return web.json_response({"request_id": "r", "references": found})

    return Served(
        platform=platform,
        prefix="/qianfan/",
        routes=[web.post("/qianfan/v2/ai_search/web_search", search)],
        settings=lambda base: {
            "QIANFAN_API_KEY": QIANFAN_KEY,
            "QIANFAN_BASE_URL": base + "/qianfan",
            "QIANFAN_CALLS_PER_DAY": "1000",
        },
    )


def qianfan_page(number: int, post: Post) -> dict[str, object]:
    title, _, text = post.text.partition("\n")
    return {
        "id": number,
        "title": title,
        "url": post.url or f"https://www.sohu.com/a/{post.id}",
        "content": text,
        "date": f"{post.at.astimezone(CHINA):%Y-%m-%d %H:%M:%S}",
        "website": post.publisher or "搜狐",
        "type": "web",
    }


# ------------------------------------------------------------------------------------------- GDELT
def gdelt(clock: Clock) -> Served:
    """Serve the newest articles of a span of minutes; an empty object where there are none."""
    platform = Platform("gdelt", (), clock)

    async def search(request: web.Request) -> web.Response:
        asked = request.query
        words, span = (
            re.findall(r'"([^"]+)"', asked["query"]),
            re.fullmatch(r"(\d+)min", asked["timespan"]),
        )
        if span is None or asked["format"] != "json" or "sourcelang:chinese" not in asked["query"]:
            return web.Response(text="Invalid query.", content_type="text/html")
        floor = clock() - timedelta(minutes=int(span[1]))
        found = {p.id: p for word in words for p in platform.visible(word) if p.at >= floor}
        shown = sorted(found.values(), key=lambda p: p.at, reverse=True)[: int(asked["maxrecords"])]
        return web.json_response({"articles": [gdelt_row(p) for p in shown]} if shown else {})

    return Served(
        platform=platform,
        prefix="/gdelt/",
        routes=[web.get("/gdelt/api/v2/doc/doc", search)],
        settings=lambda base: {"GDELT_LANGUAGE": "chinese", "GDELT_BASE_URL": base + "/gdelt"},
    )


def gdelt_row(post: Post) -> dict[str, object]:
    return {
        "url": post.url or f"https://www.example.cn/a/{post.id}",
        "title": post.text.partition("\n")[0],
        "seendate": f"{post.at.astimezone(UTC):%Y%m%dT%H%M%SZ}",
        "domain": post.publisher or "example.cn",
        "language": "Chinese",
    }
