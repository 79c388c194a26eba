"""A provider pushes the posts of a crisis; the bot sleeps in the middle of it, and nothing is lost."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

from tests.stories.town import Town
from watchers.model import Client
from watchers.sources.webhook import PATH, SIGNATURE, TIME, sign

MORNING = datetime(2026, 3, 3, 2, tzinfo=UTC)
SECRET = "signed-by-the-provider"
CLIENT = Client(
    id="aulane", name="Aulane", names=("奥岚",), channel="C0AULANE", sources=("webhook",)
)
ENVIRONMENT = {
    "WEBHOOK_SECRET": SECRET,
    "WEBHOOK_PORT": "0",
    "WEBHOOK_CONFIG": json.dumps(
        {
            "title": "示例舆情",
            "paths": {
                "items": "items", "id": "id", "text": "text", "url": "url", "created_at": "at",
                "author": "who",
            },
        }
    ),
}  # fmt: skip
WHO = ("我家", "邻居", "同事", "爸妈家", "朋友", "出租屋", "办公室", "店里", "楼上", "表姐")
HOW = ("半夜冒烟", "突然起火", "插头烧焦", "外壳烧化了", "一股糊味", "喷火星", "跳闸以后烧起来")
THEN = (
    "吓死了",
    "退货",
    "客服不理人",
    "差评",
    "气死",
    "太危险了",
    "投诉",
    "孩子哭了一夜",
    "报警了",
)


async def push(town: Town, *posts: dict[str, object]) -> None:
    body = json.dumps({"items": posts}, ensure_ascii=False).encode()
    moment = str(int(town.now().timestamp()))
    headers = {TIME: moment, SIGNATURE: sign(SECRET, moment, body)}
    async with httpx.AsyncClient(trust_env=False) as client:
        url = f"http://127.0.0.1:{town.service.inbox.port}{PATH}"
        answer = await client.post(url, content=body, headers=headers)
    assert answer.status_code == 200, answer.text


def post(town: Town, n: int) -> dict[str, object]:
    text = f"{WHO[n % 10]}的奥岚取暖器{HOW[n % 7]}，{THEN[n % 9]}！"
    return {
        "id": n,
        "text": text,
        "url": f"https://provider.example/{n}",
        "at": town.now().isoformat(),
        "who": f"用户{n}",
    }


def calm(town: Town, n: int, ago: timedelta) -> dict[str, object]:
    at = (town.now() - ago).isoformat()
    return post(town, n) | {"text": f"{WHO[n % 10]}路过奥岚的新店，第{n}次", "at": at}


async def test_what_is_pushed_becomes_an_alert_and_a_night_s_sleep_loses_nothing(
    tmp_path: Path,
) -> None:
    url = f"sqlite:///{tmp_path / 'f.sqlite3'}"
    town = Town(MORNING, [CLIENT], [])
    await town.start(url, ENVIRONMENT)
    try:
        await town.rest()
        for n in range(12):  # what the provider has of the days before
            await push(town, calm(town, 100 + n, timedelta(hours=6 * (n + 1))))
        await town.pass_time(timedelta(minutes=10))
        for n in range(8):
            await push(town, post(town, n))
        await town.service.stop()  # kept, not read: the round comes after the next start
        await town.build(url, ENVIRONMENT)
        for n in range(8, 24):
            await push(town, post(town, n))
            await town.pass_time(timedelta(minutes=1), timedelta(minutes=1))
        (incident,) = await town.service.store.open_incidents()
        assert (incident.type, incident.source) == ("product_safety", "webhook")
        window = await town.service.store.window(
            CLIENT.id, MORNING - timedelta(hours=1), town.now(), source="webhook"
        )
        assert window.raw == 24
        root = town.thread()[0]
        assert "on Provider's push" in root
        assert "https://provider.example/" in root
    finally:
        await town.stop()
