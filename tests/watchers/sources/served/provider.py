"""A licensed provider as the operator's file describes it; all of it invented."""

import json
from datetime import UTC, datetime

from aiohttp import web

from bot.demo.platforms import Clock, Platform, Served

KEY = "provider-demo-secret"


def config(base: str) -> dict[str, object]:
    """Return the file that describes the server at BASE."""
    return {
        "base_url": base + "/provider/search",
        "query": {
            "q": "{q}", "from": "{since_iso}", "cursor": "{cursor}", "size": "{limit}",
        },
        "headers": {"X-Api-Key": "secret:provider_key"},
        "paths": {
            "items": "data.mentions",
            "id": "id",
            "text": "body",
            "url": "link",
            "created_at": "published",
            "author": "author.name",
            "author_id": "author.id",
            "followers": "author.fans",
            "next_cursor": "meta.next",
        },
        "money_per_call": 0.001,
        "monthly_cap": 50,
        "errors": [
            {"status": 402, "outcome": "quota_exhausted"},
            {"path": "error.code", "value": "PLAN", "outcome": "plan_required"},
        ],
    }  # fmt: skip


def provider(clock: Clock) -> Served:
    """Serve mentions by cursor."""
    platform = Platform("provider", (), clock)

    async def search(request: web.Request) -> web.Response:
        if request.headers.get("X-Api-Key") != KEY:
            return web.json_response({"error": {"code": "KEY"}}, status=401)
        asked = request.query
        hits = platform.visible(asked["q"])
        if floor := asked.get("from"):
            hits = [p for p in hits if p.at >= datetime.fromisoformat(floor)]
        first, size = int(asked.get("cursor", "0")), int(asked["size"])
        shown = hits[first : first + size]
        mentions = [
            {
                "id": p.id,
                "body": p.text,
                "link": p.url or f"https://provider.example/{p.id}",
                "published": p.at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
                "author": {"name": p.author.handle, "id": p.author.id, "fans": "1.2万"},
            }
            for p in shown
        ]
        following = first + size if first + size < len(hits) else None
        return web.json_response({"data": {"mentions": mentions}, "meta": {"next": following}})

    return Served(
        platform=platform,
        prefix="/provider/",
        routes=[web.get("/provider/search", search)],
        settings=lambda base: {"PROVIDER_CONFIG": json.dumps(config(base)), "PROVIDER_KEY": KEY},
    )


def webhook(clock: Clock) -> Served:
    """Serve nothing: a provider that pushes is not asked. The settings are all there is."""
    paths = {"items": "items", "id": "id", "text": "text", "created_at": "at"}
    return Served(
        platform=Platform("webhook", (), clock),
        prefix="/webhook-is-not-asked/",
        routes=[],
        settings=lambda _: {
            "WEBHOOK_SECRET": "webhook-demo-secret",
            "WEBHOOK_CONFIG": json.dumps({"paths": paths}),
            "WEBHOOK_PORT": "0",
        },
    )
