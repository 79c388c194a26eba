"""The stand-in for Slack, tried with the real SDK and a real Bolt app against it."""

import asyncio
import io
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

from bot.preview import (
    BOT,
    BOT_USER,
    TEAM,
    Channel,
    Group,
    NotThere,
    Preview,
    User,
)
from tests.browser import browser, chromium
from tests.conftest import missing

START = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
Json = dict[str, Any]


class Clock:
    """A clock that stands until somebody moves it."""

    def __init__(self) -> None:
        self.at = START

    def __call__(self) -> datetime:
        return self.at

    def seconds(self) -> float:
        return self.at.timestamp()

    def forward(self, step: timedelta) -> None:
        self.at += step


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK takes a proxy from the environment and ignores NO_PROXY."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def rooms() -> list[Channel]:
    return [
        Channel(id="C0ALERTS", name="crisis-alerts", joined=True),
        Channel(id="C0OTHER", name="other"),
        Channel(id="C0OLD", name="old", joined=True, archived=True),
        Channel(id="C0SECRET", name="secret", private=True, members=frozenset({"U0LEAD"})),
        Channel(id="C0BOARD", name="board", private=True, joined=True),
    ]


Make = Callable[..., Awaitable[Preview]]


@pytest.fixture
async def make(clock: Clock) -> AsyncIterator[Make]:
    """Start previews; all of them are stopped at the end."""
    started: list[Preview] = []

    async def start(**options: Any) -> Preview:
        defaults: Json = {"channels": rooms(), "now": clock, "monotonic": clock.seconds}
        preview = Preview(**(defaults | options))
        await preview.start()
        started.append(preview)
        return preview

    yield start
    for preview in started:
        await preview.stop()


@pytest.fixture
async def preview(make: Make) -> Preview:
    return await make()


def client_of(preview: Preview, token: str | None = None, **options: Any) -> AsyncWebClient:
    token = preview.bot_token if token is None else token
    return AsyncWebClient(token=token, base_url=preview.api_url, **{"retry_handlers": []} | options)


async def code_of(call: Awaitable[Any]) -> str:
    """Return the error code CALL is refused with."""
    with pytest.raises(SlackApiError) as caught:
        await call
    return str(caught.value.response["error"])


BUTTON = {
    "type": "button",
    "action_id": "ack",
    "value": '{"v":1,"inc":204,"rev":7}',
    "text": {"type": "plain_text", "text": "Acknowledge"},
}
ROOT: list[Json] = [
    {"type": "header", "text": {"type": "plain_text", "text": "Aulane: heater posts"}},
    {"type": "actions", "block_id": "inc-204:r7:act", "elements": [BUTTON]},
]
MODAL: Json = {
    "type": "modal",
    "callback_id": "resolve_modal",
    "private_metadata": '{"inc":204}',
    "title": {"type": "plain_text", "text": "Resolve"},
    "submit": {"type": "plain_text", "text": "Resolve"},
    "blocks": [
        {
            "type": "input",
            "block_id": "reason",
            "label": {"type": "plain_text", "text": "Reason"},
            "element": {
                "type": "static_select",
                "action_id": "reason_select",
                "options": [
                    {"text": {"type": "plain_text", "text": "Answered"}, "value": "answered"},
                    {"text": {"type": "plain_text", "text": "Died down"}, "value": "calm"},
                ],
            },
        },
        {
            "type": "input",
            "block_id": "note",
            "optional": True,
            "label": {"type": "plain_text", "text": "Note"},
            "element": {"type": "plain_text_input", "action_id": "note_text", "max_length": 20},
        },
    ],
}


# ------------------------------------------------------------------------------------- Web API
async def test_auth_test_names_team_bot_and_scopes(preview: Preview) -> None:
    answer = await client_of(preview).auth_test()
    assert (answer["team"], answer["team_id"]) == ("Fenghuo preview", TEAM)
    assert (answer["user_id"], answer["bot_id"]) == (BOT_USER, BOT)
    scopes = {name.lower(): value for name, value in answer.headers.items()}["x-oauth-scopes"]
    assert "chat:write" in scopes.split(",")
    assert answer.headers["Date"] == "Tue, 10 Mar 2026 12:00:00 GMT"


@pytest.mark.parametrize(
    ("token", "code"),
    [("", "not_authed"), ("xoxb-wrong", "invalid_auth"), ("app", "not_allowed_token_type")],
)
async def test_a_wrong_token_is_refused(preview: Preview, token: str, code: str) -> None:
    used = preview.app_token if token == "app" else token
    assert await code_of(client_of(preview, used).auth_test()) == code


async def test_an_unknown_method_is_named_so(preview: Preview) -> None:
    assert await code_of(client_of(preview).api_call("canvases.create")) == "unknown_method"


@pytest.mark.parametrize("way", ["query", "form", "json", "json with arrays"])
async def test_arguments_come_as_query_form_or_json(preview: Preview, way: str) -> None:
    text = {"channel": "C0ALERTS", "text": "hello", "blocks": json.dumps(ROOT)}
    ways: dict[str, Json] = {
        "query": {"params": text},
        "form": {"data": text},
        "json": {"json": text},
        "json with arrays": {"json": {**text, "blocks": ROOT}},
    }
    await client_of(preview).api_call("chat.postMessage", **ways[way])
    (thread,) = preview.channel("C0ALERTS")
    assert (thread.root.text, len(thread.root.blocks)) == ("hello", 2)
    assert thread.root.blocks[0]["block_id"]  # Slack names what the app did not


@pytest.mark.parametrize(
    ("channel", "code"),
    [
        pytest.param("C0NOWHERE", "channel_not_found", id="nobody knows the channel"),
        pytest.param("C0SECRET", "channel_not_found", id="a private channel without the bot"),
        pytest.param("C0OTHER", "not_in_channel", id="a public channel the bot did not join"),
        pytest.param("C0OLD", "is_archived", id="an archived channel"),
    ],
)
async def test_a_post_needs_a_channel_that_takes_it(
    preview: Preview, channel: str, code: str
) -> None:
    posting = client_of(preview).chat_postMessage(channel=channel, text="hello")
    assert await code_of(posting) == code


async def test_after_joining_the_bot_may_post(preview: Preview) -> None:
    client = client_of(preview)
    await client.conversations_join(channel="C0OTHER")
    again = await client.conversations_join(channel="C0OTHER")
    assert again["warning"] == "already_in_channel"
    await client.chat_postMessage(channel="C0OTHER", text="hello")
    assert [t.root.text for t in preview.channel("C0OTHER")] == ["hello"]
    refused = client.conversations_join(channel="C0BOARD")
    assert await code_of(refused) == "method_not_supported_for_channel_type"


async def test_the_scope_for_public_channels_allows_posting_without_joining(make: Make) -> None:
    preview = await make(scopes=["chat:write", "chat:write.public"])
    await client_of(preview).chat_postMessage(channel="C0OTHER", text="hello")
    assert await code_of(client_of(preview).conversations_history(channel="C0OTHER")) == (
        "not_in_channel"
    )


async def test_a_reply_needs_its_root(preview: Preview) -> None:
    client = client_of(preview)
    lost = client.chat_postMessage(channel="C0ALERTS", text="reply", thread_ts="1.000001")
    assert await code_of(lost) == "thread_not_found"
    root = await client.chat_postMessage(channel="C0ALERTS", text="root")
    await client.chat_postMessage(channel="C0ALERTS", text="reply", thread_ts=root["ts"])
    (thread,) = preview.channel("C0ALERTS")
    assert [reply.text for reply in thread.replies] == ["reply"]


async def test_an_edit_replaces_text_and_blocks_and_keeps_the_metadata(preview: Preview) -> None:
    client = client_of(preview)
    key = {"event_type": "fenghuo_message", "event_payload": {"key": "inc-204:root"}}
    post = await client.chat_postMessage(
        channel="C0ALERTS", text="one", blocks=ROOT, metadata=key, attachments=[{"text": "side"}]
    )
    await client.chat_update(channel="C0ALERTS", ts=post["ts"], text="two")
    (thread,) = preview.channel("C0ALERTS")
    assert (thread.root.text, thread.root.blocks) == ("two", [])
    assert thread.root.metadata == key
    assert thread.root.attachments == [{"text": "side"}]
    assert thread.root.edited_ts is not None
    await client.chat_update(channel="C0ALERTS", ts=post["ts"], text="three", attachments=[])
    assert preview.channel("C0ALERTS")[0].root.attachments == []


async def test_only_its_own_messages_can_be_edited_or_deleted(preview: Preview) -> None:
    client = client_of(preview)
    theirs = preview.post_as("U0LEAD", "C0ALERTS", "a person's words").ts
    update = client.chat_update(channel="C0ALERTS", ts=theirs, text="mine now")
    assert await code_of(update) == "cant_update_message"
    delete = client.chat_delete(channel="C0ALERTS", ts=theirs)
    assert await code_of(delete) == "cant_delete_message"
    missing = client.chat_update(channel="C0ALERTS", ts="5.000000", text="x")
    assert await code_of(missing) == "message_not_found"


async def test_rich_text_cannot_be_edited_into_another_kind(preview: Preview) -> None:
    client = client_of(preview)
    rich = [{"type": "rich_text", "elements": []}]
    post = await client.chat_postMessage(channel="C0ALERTS", text="x", blocks=rich)
    update = client.chat_update(channel="C0ALERTS", ts=post["ts"], text="x", blocks=ROOT)
    assert await code_of(update) == "block_mismatch"


async def test_a_deleted_root_with_replies_leaves_a_tombstone(preview: Preview) -> None:
    client = client_of(preview)
    root = await client.chat_postMessage(channel="C0ALERTS", text="root")
    await client.chat_postMessage(channel="C0ALERTS", text="reply", thread_ts=root["ts"])
    preview.delete("C0ALERTS", root["ts"])
    history = await client.conversations_history(channel="C0ALERTS")
    assert [m["subtype"] for m in history["messages"]] == ["tombstone"]
    update = client.chat_update(channel="C0ALERTS", ts=root["ts"], text="again")
    assert await code_of(update) == "message_not_found"


async def test_history_gives_the_payload_of_metadata_only_when_asked(preview: Preview) -> None:
    client = client_of(preview)
    key = {"event_type": "fenghuo_message", "event_payload": {"key": "inc-204:root"}}
    await client.chat_postMessage(channel="C0ALERTS", text="root", metadata=key)
    bare = await client.conversations_history(channel="C0ALERTS")
    whole = await client.conversations_history(channel="C0ALERTS", include_all_metadata=True)
    assert bare["messages"][0]["metadata"] == {"event_type": "fenghuo_message"}
    assert whole["messages"][0]["metadata"] == key
    assert whole["messages"][0]["bot_id"] == BOT


async def test_history_pages_through_what_lies_between_oldest_and_latest(
    preview: Preview, clock: Clock
) -> None:
    client = client_of(preview)
    for number in range(6):
        clock.forward(timedelta(seconds=10))
        await client.chat_postMessage(channel="C0ALERTS", text=str(number))
    stamps = [t.root.ts for t in preview.channel("C0ALERTS")]
    span: Json = {"channel": "C0ALERTS", "oldest": stamps[0], "latest": stamps[5], "limit": 3}
    first = await client.conversations_history(**span)
    assert ([m["text"] for m in first["messages"]], first["has_more"]) == (["4", "3", "2"], True)
    rest = await client.conversations_history(
        **span, cursor=first["response_metadata"]["next_cursor"]
    )
    assert ([m["text"] for m in rest["messages"]], rest["has_more"]) == (["1"], False)
    edges = await client.conversations_history(**span | {"limit": 9}, inclusive=True)
    assert len(edges["messages"]) == 6


async def test_replies_begin_with_the_root_and_run_forward(preview: Preview) -> None:
    client = client_of(preview)
    root = await client.chat_postMessage(channel="C0ALERTS", text="root")
    for words in ("a", "b", "c"):
        await client.chat_postMessage(channel="C0ALERTS", text=words, thread_ts=root["ts"])
    page = await client.conversations_replies(channel="C0ALERTS", ts=root["ts"], limit=2)
    assert [m["text"] for m in page["messages"]] == ["root", "a", "b"]
    assert page["messages"][0]["reply_count"] == 3
    rest = await client.conversations_replies(
        channel="C0ALERTS", ts=root["ts"], cursor=page["response_metadata"]["next_cursor"]
    )
    assert [m["text"] for m in rest["messages"]] == ["c"]
    missing = client.conversations_replies(channel="C0ALERTS", ts="9.000000")
    assert await code_of(missing) == "thread_not_found"


async def test_a_broadcast_reply_shows_in_the_channel_too(preview: Preview) -> None:
    client = client_of(preview)
    root = await client.chat_postMessage(channel="C0ALERTS", text="root")
    await client.chat_postMessage(
        channel="C0ALERTS", text="stage up", thread_ts=root["ts"], reply_broadcast=True
    )
    history = await client.conversations_history(channel="C0ALERTS")
    assert history["messages"][0]["subtype"] == "thread_broadcast"


async def test_an_ephemeral_is_for_a_member_and_kept_nowhere_else(preview: Preview) -> None:
    client = client_of(preview)
    preview.workspace.channels["C0BOARD"].members = frozenset({"U0LEAD"})
    await client.chat_postEphemeral(channel="C0ALERTS", user="U0LEAD", text="not yours")
    outside = client.chat_postEphemeral(channel="C0BOARD", user="U0DUTY", text="hello")
    assert await code_of(outside) == "user_not_in_channel"
    assert [note.text for note in preview.ephemerals("U0LEAD")] == ["not yours"]
    assert preview.ephemerals("U0DUTY") == []
    assert preview.channel("C0ALERTS") == []


async def test_refused_blocks_are_named_with_their_place(make: Make) -> None:
    preview = await make(problems=lambda message: ["/blocks/0: too long"] if message else [])
    with pytest.raises(SlackApiError) as caught:
        await client_of(preview).chat_postMessage(channel="C0ALERTS", text="x", blocks=ROOT)
    assert caught.value.response["error"] == "invalid_blocks"
    assert caught.value.response["response_metadata"] == {
        "messages": ["[ERROR] /blocks/0: too long"]
    }


async def test_a_message_of_its_own_rate_waits(make: Make, clock: Clock) -> None:
    preview = await make(rate_limit=True)
    client = client_of(preview)
    await client.chat_postMessage(channel="C0ALERTS", text="one")
    with pytest.raises(SlackApiError) as caught:
        await client.chat_postMessage(channel="C0ALERTS", text="two")
    assert (caught.value.response.status_code, caught.value.response["error"]) == (
        429,
        "ratelimited",
    )
    assert caught.value.response.headers["Retry-After"] == "1"
    await client.chat_postMessage(channel="C0BOARD", text="elsewhere")
    clock.forward(timedelta(seconds=1))
    await client.chat_postMessage(channel="C0ALERTS", text="two")
    assert len(preview.channel("C0ALERTS")) == 2


async def test_people_groups_and_conversations_can_be_looked_up(make: Make) -> None:
    preview = await make(groups=[Group(id="S0MANAGERS", handle="managers", members=("U0LEAD",))])
    client = client_of(preview)
    lead = (await client.users_info(user="U0LEAD"))["user"]
    assert (lead["real_name"], lead["tz"], lead["tz_offset"]) == (
        "Account lead",
        "Europe/Paris",
        3600,
    )
    assert len((await client.users_list())["members"]) == 4
    assert (await client.usergroups_users_list(usergroup="S0MANAGERS"))["users"] == ["U0LEAD"]
    assert (await client.usergroups_list(include_users=True))["usergroups"][0]["users"] == [
        "U0LEAD"
    ]
    listed = await client.conversations_list(types="public_channel,private_channel", limit=2)
    more = await client.conversations_list(
        types="public_channel,private_channel", cursor=listed["response_metadata"]["next_cursor"]
    )
    ids = [c["id"] for c in listed["channels"] + more["channels"]]
    assert ids == ["C0ALERTS", "C0OTHER", "C0OLD", "C0BOARD"]
    assert (await client.conversations_info(channel="C0OTHER"))["channel"]["is_member"] is False
    members = await client.conversations_members(channel="C0ALERTS")
    assert members["members"] == ["U0DUTY", "U0LEAD", "U0VIEWER", BOT_USER]


async def test_a_direct_message_reaches_one_person(preview: Preview) -> None:
    client = client_of(preview)
    talk = (await client.conversations_open(users="U0LEAD"))["channel"]["id"]
    await client.chat_postMessage(channel=talk, text="your turn")
    await client.chat_postMessage(channel="U0LEAD", text="by user id")
    assert [t.root.text for t in preview.channel(talk)] == ["your turn", "by user id"]


async def test_outside_strict_mode_ids_of_a_client_file_become_channels_and_people(
    make: Make,
) -> None:
    preview = await make(channels=[], strict=False)
    client = client_of(preview)
    await client.chat_postMessage(channel="C0DEMO", text="hello")
    assert preview.workspace.channels["C0DEMO"].name == "demo"
    assert (await client.users_info(user="U0LEGAL"))["user"]["real_name"] == "Legal"
    assert await code_of(client.users_info(user="nonsense")) == "user_not_found"


async def test_a_permalink_leads_to_the_page(preview: Preview) -> None:
    client = client_of(preview)
    post = await client.chat_postMessage(channel="C0ALERTS", text="root")
    link = (await client.chat_getPermalink(channel="C0ALERTS", message_ts=post["ts"]))["permalink"]
    async with aiohttp.ClientSession() as session, session.get(link, allow_redirects=False) as got:
        assert got.headers["Location"] == f"/#/C0ALERTS/{post['ts']}"


PICTURE = b"\x89PNG\r\n\x1a\n" + b"0" * 40


async def test_an_uploaded_picture_stands_in_the_thread(preview: Preview) -> None:
    client = client_of(preview)
    root = await client.chat_postMessage(channel="C0ALERTS", text="root")
    await client.files_upload_v2(
        content=PICTURE,
        filename="curve.png",
        title="Posts per 10 minutes",
        alt_txt="Posts rose sixfold",
        channel="C0ALERTS",
        thread_ts=root["ts"],
        initial_comment="The last six hours",
    )
    ((_, replies),) = [(t.root, t.replies) for t in preview.channel("C0ALERTS")]
    assert replies[0].text == "The last six hours"
    (key,) = replies[0].files
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{preview.workspace.base}/files/{key}") as got,
    ):
        assert (got.content_type, await got.read()) == ("image/png", PICTURE)
    assert (await client.files_info(file=key))["file"]["alt_txt"] == "Posts rose sixfold"


async def test_a_file_that_is_no_picture_is_never_shown_by_the_browser(preview: Preview) -> None:
    await client_of(preview).files_upload_v2(
        content="<svg onload=alert(1)>", filename="x.svg", channel="C0ALERTS"
    )
    key = preview.channel("C0ALERTS")[0].root.files[0]
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{preview.workspace.base}/files/{key}") as got,
    ):
        assert got.content_type == "application/octet-stream"
        assert got.headers["Content-Disposition"] == "attachment"


# -------------------------------------------------------------------------------------- faults
@pytest.mark.parametrize(
    ("kind", "error", "kept"),
    [
        ("drop_before", aiohttp.ServerDisconnectedError, 0),
        ("drop_after", aiohttp.ServerDisconnectedError, 1),
        ("cut_answer", aiohttp.ClientPayloadError, 1),
        ("slow", TimeoutError, 1),
        ("http_500", SlackApiError, 0),
        ("html_503", SlackApiError, 0),
        ("broken_json", SlackApiError, 0),
        ("rate_limited", SlackApiError, 0),
        ("error:internal_error", SlackApiError, 0),
    ],
)
async def test_a_fault_spoils_one_call_and_no_more(
    preview: Preview, kind: str, error: type[Exception], kept: int
) -> None:
    client = client_of(preview, timeout=1)
    preview.fault("chat.postMessage", kind)
    with pytest.raises(error):
        await client.chat_postMessage(channel="C0ALERTS", text="spoilt")
    assert len(preview.channel("C0ALERTS")) == kept
    await client.chat_postMessage(channel="C0ALERTS", text="fine")
    assert len(preview.channel("C0ALERTS")) == kept + 1
    assert [call.outcome for call in preview.calls] == [kind, "ok"]


async def test_a_broken_answer_may_hide_a_message_that_was_posted(preview: Preview) -> None:
    preview.fault("chat.postMessage", "html_503", executed=True)
    with pytest.raises(SlackApiError):
        await client_of(preview).chat_postMessage(channel="C0ALERTS", text="posted all the same")
    assert len(preview.channel("C0ALERTS")) == 1


async def test_a_lasting_fault_lasts_until_it_is_healed(preview: Preview) -> None:
    client = client_of(preview)
    preview.fault("*", "error:token_revoked", times=None)
    for _ in range(3):
        assert await code_of(client.auth_test()) == "token_revoked"
    preview.heal()
    await client.auth_test()


async def test_the_sdk_waits_out_a_rate_limit(preview: Preview) -> None:
    preview.fault("chat.postMessage", "rate_limited", retry_after=0)
    client = client_of(preview, retry_handlers=[AsyncRateLimitErrorRetryHandler()])
    await client.chat_postMessage(channel="C0ALERTS", text="later")
    assert [call.outcome for call in preview.calls] == ["rate_limited", "ok"]


def test_an_unknown_fault_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown fault explode"):
        Preview(now=lambda: START).fault("chat.postMessage", "explode")


# ---------------------------------------------------------------------- a real Bolt app behind it
class Bot:
    """A small Bolt app; it notes what its listeners were given."""

    def __init__(self, preview: Preview, **options: Any) -> None:
        self.seen: list[Json] = []
        self.app = AsyncApp(client=client_of(preview), **options)
        self.app.command("/crisis")(self.command)
        self.app.action("ack")(self.ack)
        self.app.action("resolve")(self.resolve)
        self.app.view("resolve_modal")(self.submitted)
        self.app.view_closed("resolve_modal")(self.closed)
        self.app.event("app_mention")(self.mentioned)

    async def command(self, ack: Any, body: Json, respond: Any) -> None:
        self.seen.append(body)
        if body["text"] == "silence":
            return
        if body["text"] == "later":
            await ack()
            await respond("and here it is")
        else:
            await ack(f"you said {body['text']}")

    async def ack(self, ack: Any, body: Json, client: AsyncWebClient, respond: Any) -> None:
        self.seen.append(body)
        await ack()
        who, spot = body["user"]["id"], body["container"]
        text = f"taken by <@{who}>"
        await client.chat_update(channel=spot["channel_id"], ts=spot["message_ts"], text=text)
        await respond("thank you", replace_original=False)

    async def resolve(self, ack: Any, body: Json, client: AsyncWebClient) -> None:
        await client.views_open(trigger_id=body["trigger_id"], view=MODAL)
        await ack()

    async def submitted(self, ack: Any, view: Json) -> None:
        self.seen.append(view)
        values = view["state"]["values"]
        if values["note"]["note_text"]["value"] == "bad":
            await ack(response_action="errors", errors={"note": "Say more."})
        elif values["note"]["note_text"]["value"] == "more":
            await ack(response_action="push", view=MODAL)
        else:
            await ack()

    async def closed(self, ack: Any, view: Json) -> None:
        self.seen.append(view)
        await ack()

    async def mentioned(self, event: Json) -> None:
        self.seen.append(event)


Connect = Callable[..., Awaitable[Bot]]


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """Connect bots over Socket Mode; all of them leave at the end."""
    handlers: list[AsyncSocketModeHandler] = []

    async def over_sockets(preview: Preview) -> Bot:
        bot = Bot(preview)
        handler = AsyncSocketModeHandler(bot.app, preview.app_token)
        handlers.append(handler)
        before = len(preview.sockets.open)
        await handler.connect_async()
        await preview.until(lambda: len(preview.sockets.open) == before + 1)
        return bot

    yield over_sockets
    for handler in handlers:
        await handler.close_async()


async def posted(preview: Preview, blocks: list[Json] = ROOT) -> str:
    answer = await client_of(preview).chat_postMessage(
        channel="C0ALERTS", text="Aulane", blocks=blocks
    )
    return str(answer["ts"])


async def test_a_command_is_answered_in_its_acknowledgement(
    preview: Preview, connect: Connect
) -> None:
    bot = await connect(preview)
    answer = await preview.command("U0DUTY", "C0ALERTS", "/crisis", "check H&M for @account.lead")
    assert answer.ok
    assert bot.seen[0]["text"] == "check H&amp;M for <@U0LEAD|account.lead>"
    assert [note.text for note in preview.ephemerals("U0DUTY")] == [
        "you said check H&amp;M for <@U0LEAD|account.lead>"
    ]
    assert preview.ephemerals("U0LEAD") == []


async def test_a_command_may_be_answered_later(preview: Preview, connect: Connect) -> None:
    await connect(preview)
    assert (await preview.command("U0DUTY", "C0ALERTS", "/crisis", "later")).ok
    await preview.until(lambda: bool(preview.ephemerals("U0DUTY")))
    assert [note.text for note in preview.ephemerals("U0DUTY")] == ["and here it is"]


async def test_without_an_acknowledgement_the_person_reads_a_timeout(
    make: Make, connect: Connect
) -> None:
    preview = await make(ack_patience=timedelta(seconds=0.2))
    await connect(preview)
    answer = await preview.command("U0DUTY", "C0ALERTS", "/crisis", "silence")
    assert answer.error == "operation_timeout"
    (note,) = preview.ephemerals("U0DUTY")
    assert (note.from_slack, "operation_timeout" in note.text) == (True, True)


async def test_without_a_connection_nothing_is_dispatched(preview: Preview) -> None:
    answer = await preview.command("U0DUTY", "C0ALERTS", "/crisis", "check")
    assert answer.error == "dispatch_failed"


async def test_a_click_reaches_the_listener_and_its_edit_the_message(
    preview: Preview, connect: Connect
) -> None:
    bot = await connect(preview)
    ts = await posted(preview)
    answer = await preview.press("U0LEAD", "C0ALERTS", ts, "ack")
    assert answer.ok
    await preview.until(lambda: bool(preview.ephemerals("U0LEAD")))
    assert preview.channel("C0ALERTS")[0].root.text == "taken by <@U0LEAD>"
    assert preview.ephemerals("U0LEAD")[0].text == "thank you"
    (body,) = bot.seen
    assert body["actions"][0]["value"] == BUTTON["value"]
    assert body["actions"][0]["block_id"] == "inc-204:r7:act"
    assert body["message"]["bot_id"] == BOT
    with pytest.raises(NotThere, match="no ack"):
        await preview.press("U0LEAD", "C0ALERTS", ts, "ack")


async def test_a_slow_screen_may_still_press_the_old_button(
    preview: Preview, connect: Connect
) -> None:
    bot = await connect(preview)
    ts = await posted(preview)
    await client_of(preview).chat_update(channel="C0ALERTS", ts=ts, text="closed")
    old = BUTTON | {"block_id": "inc-204:r7:act"}
    assert (await preview.press_stale("U0LEAD", "C0ALERTS", ts, old)).ok
    assert bot.seen[0]["message"]["text"] == "closed"


async def test_an_option_is_chosen_by_its_value(preview: Preview, connect: Connect) -> None:
    bot = await connect(preview)
    options = MODAL["blocks"][0]["element"]["options"]
    select = {"type": "static_select", "action_id": "ack", "options": options}
    ts = await posted(preview, [{"type": "actions", "elements": [select]}])
    with pytest.raises(NotThere, match="no option"):
        await preview.press("U0LEAD", "C0ALERTS", ts, "ack", "furious")
    await preview.press("U0LEAD", "C0ALERTS", ts, "ack", "calm")
    assert bot.seen[0]["actions"][0]["selected_option"]["value"] == "calm"
    two = [BUTTON | {"value": "a"}, BUTTON | {"value": "b"}]
    ts = await posted(preview, [{"type": "actions", "elements": two}])
    with pytest.raises(NotThere, match="2 elements ack"):
        await preview.press("U0LEAD", "C0ALERTS", ts, "ack")
    await preview.press("U0LEAD", "C0ALERTS", ts, "ack", "b")
    assert bot.seen[1]["actions"][0]["value"] == "b"


async def opened(preview: Preview) -> str:
    """Open the modal as the account lead and return its id."""
    ts = await posted(
        preview, [{"type": "actions", "elements": [BUTTON | {"action_id": "resolve"}]}]
    )
    assert (await preview.press("U0LEAD", "C0ALERTS", ts, "resolve")).ok
    (modal,) = preview.modals("U0LEAD")
    return modal.id


async def test_a_modal_is_opened_filled_in_and_sent(preview: Preview, connect: Connect) -> None:
    bot = await connect(preview)
    view = await opened(preview)
    answer = await preview.submit("U0LEAD", view, {"reason": "calm", "note_text": "all quiet"})
    assert answer.ok
    assert preview.modals("U0LEAD") == []
    assert bot.seen[0]["private_metadata"] == '{"inc":204}'
    values = bot.seen[0]["state"]["values"]
    assert values["reason"]["reason_select"]["selected_option"]["value"] == "calm"
    assert values["note"]["note_text"] == {"type": "plain_text_input", "value": "all quiet"}


async def test_slack_itself_refuses_an_empty_required_field(
    preview: Preview, connect: Connect
) -> None:
    bot = await connect(preview)
    view = await opened(preview)
    answer = await preview.submit("U0LEAD", view, {"note": "x" * 21})
    assert answer.error == "not_sent"
    assert set(preview.modals("U0LEAD")[0].errors) == {"reason", "note"}
    assert bot.seen == []
    with pytest.raises(NotThere, match="no field"):
        await preview.submit("U0LEAD", view, {"colour": "red"})


async def test_errors_of_the_app_stand_in_the_modal(preview: Preview, connect: Connect) -> None:
    await connect(preview)
    view = await opened(preview)
    await preview.submit("U0LEAD", view, {"reason": "calm", "note": "bad"})
    assert preview.modals("U0LEAD")[0].errors == {"note": "Say more."}


async def test_a_modal_can_push_another_and_the_person_can_close_it(
    preview: Preview, connect: Connect
) -> None:
    await connect(preview)
    view = await opened(preview)
    await preview.submit("U0LEAD", view, {"reason": "calm", "note": "more"})
    first, second = preview.modals("U0LEAD")
    assert (second.previous, second.root) == (first.id, first.id)
    await preview.close_view("U0LEAD", second.id)
    assert [modal.id for modal in preview.modals("U0LEAD")] == [first.id]


async def test_the_app_hears_of_a_closed_modal_it_asked_about(
    preview: Preview, connect: Connect
) -> None:
    bot = await connect(preview)
    trigger = preview.workspace.new_trigger("U0LEAD")
    await client_of(preview).views_open(trigger_id=trigger, view=MODAL | {"notify_on_close": True})
    await preview.close_view("U0LEAD", preview.modals("U0LEAD")[0].id)
    assert bot.seen[0]["callback_id"] == "resolve_modal"


async def test_a_trigger_works_once_and_for_three_seconds(preview: Preview, clock: Clock) -> None:
    client = client_of(preview)
    trigger = preview.workspace.new_trigger("U0LEAD")
    late = preview.workspace.new_trigger("U0LEAD")
    await client.views_open(trigger_id=trigger, view=MODAL)
    again = client.views_open(trigger_id=trigger, view=MODAL)
    assert await code_of(again) == "exchanged_trigger_id"
    clock.forward(timedelta(seconds=3.1))
    assert await code_of(client.views_open(trigger_id=late, view=MODAL)) == "expired_trigger_id"
    unknown = client.views_open(trigger_id="nothing", view=MODAL)
    assert await code_of(unknown) == "invalid_trigger_id"


async def test_a_trigger_outlives_a_clock_that_runs_fast(make: Make, clock: Clock) -> None:
    preview = await make(monotonic=lambda: 0.0)
    trigger = preview.workspace.new_trigger("U0LEAD")
    clock.forward(timedelta(hours=8))
    await client_of(preview).views_open(trigger_id=trigger, view=MODAL)
    assert len(preview.modals("U0LEAD")) == 1


async def test_an_update_of_a_view_needs_the_newest_hash(preview: Preview) -> None:
    client = client_of(preview)
    trigger = preview.workspace.new_trigger("U0LEAD")
    view = (await client.views_open(trigger_id=trigger, view=MODAL))["view"]
    await client.views_update(view_id=view["id"], hash=view["hash"], view=MODAL)
    stale = client.views_update(view_id=view["id"], hash=view["hash"], view=MODAL)
    assert await code_of(stale) == "hash_conflict"
    for _ in range(2):
        pushed = preview.workspace.new_trigger("U0LEAD")
        await client.views_push(trigger_id=pushed, view=MODAL)
    fourth = client.views_push(trigger_id=preview.workspace.new_trigger("U0LEAD"), view=MODAL)
    assert await code_of(fourth) == "push_limit_reached"


async def test_a_response_url_works_five_times_in_thirty_minutes(
    preview: Preview, clock: Clock
) -> None:
    url = preview.workspace.new_response_url("C0ALERTS", "U0LEAD")
    late = preview.workspace.new_response_url("C0ALERTS", "U0LEAD")
    async with aiohttp.ClientSession() as session:

        async def use(place: str) -> int:
            async with session.post(place, json={"text": "hello"}) as got:
                return got.status

        assert [await use(url) for _ in range(6)] == [200] * 5 + [404]
        clock.forward(timedelta(minutes=31))
        assert await use(late) == 404
    assert len(preview.ephemerals("U0LEAD")) == 5


async def test_after_a_refresh_the_next_command_works(preview: Preview, connect: Connect) -> None:
    await connect(preview)
    assert await preview.refresh() == 1
    assert await preview.connected()
    assert (await preview.command("U0DUTY", "C0ALERTS", "/crisis", "hello")).ok


async def test_each_payload_goes_to_one_of_several_connections(
    preview: Preview, connect: Connect
) -> None:
    bots = [await connect(preview), await connect(preview)]
    for _ in range(4):
        assert (await preview.command("U0DUTY", "C0ALERTS", "/crisis", "hello")).ok
    assert [len(bot.seen) for bot in bots] == [2, 2]


async def test_only_subscribed_events_are_sent(make: Make, connect: Connect) -> None:
    preview = await make(events=["app_mention"])
    bot = await connect(preview)
    await preview.say("U0LEAD", "C0ALERTS", "good morning")
    await preview.say("U0LEAD", "C0ALERTS", f"<@{BOT_USER}> hello")
    assert bot.seen == []  # angle brackets a person types are text
    preview.workspace.users[BOT_USER] = User(id=BOT_USER, name="fenghuo")
    await preview.say("U0LEAD", "C0ALERTS", "@fenghuo hello")
    await preview.until(lambda: len(preview.channel("C0ALERTS")) == 3)
    assert [event["type"] for event in bot.seen] == ["app_mention"]


async def test_a_socket_needs_a_ticket_that_was_not_used(preview: Preview) -> None:
    app = client_of(preview, preview.app_token)
    url = (await app.apps_connections_open(app_token=preview.app_token))["url"]
    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(url) as socket:
            assert (await socket.receive_json())["type"] == "hello"
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(url)


async def test_in_http_mode_requests_are_signed(make: Make, clock: Clock) -> None:
    secret = "not-a-real-secret"
    clock.at = datetime.now(UTC)  # Bolt compares the stamp with the machine's clock
    bots: list[Bot] = []

    async def endpoint(request: web.Request) -> web.Response:
        answer = await bots[0].app.async_dispatch(await to_bolt_request(request))
        response: web.Response = await to_aiohttp_response(answer)
        return response

    listener = web.Application()
    listener.add_routes([web.post("/slack/events", endpoint)])
    runner = web.AppRunner(listener)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    try:
        preview = await make(request_url=url, signing_secret=secret)
        bots.append(Bot(preview, signing_secret=secret))
        assert (await preview.command("U0DUTY", "C0ALERTS", "/crisis", "hello")).ok
        assert preview.ephemerals("U0DUTY")[0].text == "you said hello"
        assert (await preview.press("U0DUTY", "C0ALERTS", await posted(preview), "ack")).ok
        await preview.until(lambda: len(preview.ephemerals("U0DUTY")) == 2)
        wrong = await make(request_url=url, signing_secret="another")
        answer = await wrong.command("U0DUTY", "C0ALERTS", "/crisis", "hello")
        assert answer.error == "dispatch_failed"
    finally:
        await runner.cleanup()


# --------------------------------------------------------------------------------- the contract
async def test_calls_are_held_against_the_contract(make: Make, shared: Path) -> None:
    preview = await make(contract=shared / "data" / "slack-api" / "methods")
    client = client_of(preview)
    await posted(preview)
    await client.conversations_history(channel="C0ALERTS", limit=5, include_all_metadata=True)
    await client.conversations_info(channel="C0BOARD")
    await client.conversations_list(types="public_channel,private_channel")
    await client.auth_test()
    assert preview.problems() == []
    assert preview.scopes_used() == {
        frozenset({scope})
        for scope in (
            "chat:write",
            "channels:history",
            "groups:read",
            "channels:read",
        )
    }
    await client.api_call(
        "chat.postMessage", json={"channel": "C0ALERTS", "text": "x", "colour": "red"}
    )
    assert await code_of(client.api_call("chat.update", json={"text": "x"})) == "invalid_arguments"
    assert await code_of(client.api_call("no.such")) == "unknown_method"
    assert preview.problems() == [
        "chat.postMessage: colour is not an argument",
        "chat.update: channel is missing",
        "chat.update: ts is missing",
        "no.such: no such method",
    ]


async def test_a_call_beyond_the_granted_scopes_is_refused(make: Make, shared: Path) -> None:
    folder = shared / "data" / "slack-api" / "methods"
    preview = await make(contract=folder, scopes=["chat:write"])
    client = client_of(preview)
    with pytest.raises(SlackApiError) as caught:
        await client.conversations_info(channel="C0ALERTS")
    assert caught.value.response["error"] == "missing_scope"
    assert caught.value.response["needed"] == "channels:read"
    assert caught.value.response["provided"] == "chat:write"


async def test_no_call_keeps_a_token(preview: Preview) -> None:
    await client_of(preview).auth_test()
    await client_of(preview, "").api_call("auth.test", params={"token": preview.bot_token})
    assert preview.bot_token not in repr(preview.calls)


# ------------------------------------------------------------------------------------ the guard
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({}, 200, id="no browser at all"),
        pytest.param({"Host": "evil.example"}, 403, id="a name that was rebound to loopback"),
        pytest.param({"Origin": "https://evil.example"}, 403, id="another site's script"),
        pytest.param({"Sec-Fetch-Site": "cross-site"}, 403, id="another site's picture tag"),
    ],
)
async def test_a_browser_speaks_to_it_only_from_its_own_page(
    preview: Preview, headers: dict[str, str], status: int
) -> None:
    place = f"{preview.api_url}auth.test"
    async with aiohttp.ClientSession() as session, session.get(place, headers=headers) as got:
        assert got.status == status


async def test_it_listens_on_loopback_only(clock: Clock) -> None:
    with pytest.raises(ValueError, match="loopback only"):
        await Preview(now=clock).start(host="0.0.0.0")  # noqa: S104 - must be refused


async def test_waiting_for_what_never_happens_ends(preview: Preview) -> None:
    with pytest.raises(TimeoutError):
        await preview.until(lambda: False, timeout=0.05)
    assert asyncio.get_running_loop().is_running()


# ------------------------------------------------------------------------------------- the page
async def as_page(preview: Preview, name: str, body: Json, **headers: str) -> tuple[int, Json]:
    """Send what the page's script would send."""
    base = preview.workspace.base
    sent = {"Origin": base} | headers
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{base}/page/{name}", json=body, headers=sent) as got,
    ):
        return got.status, json.loads(await got.text()) if got.status != 403 else {}


async def snapshot(preview: Preview, user: str, ts: str = "") -> Json:
    place = f"{preview.workspace.base}/page/state"
    asked = {"user": user, "ts": ts}
    async with aiohttp.ClientSession() as session, session.get(place, params=asked) as got:
        found: Json = await got.json()
        return found


async def test_the_page_loads_nothing_from_elsewhere(preview: Preview) -> None:
    base = preview.workspace.base
    async with aiohttp.ClientSession() as session:
        for name in ("", "app.js", "blocks.js", "style.css", "icon.svg"):
            async with session.get(f"{base}/{name}") as got:
                assert got.status == 200
                assert "default-src 'none'" in got.headers["Content-Security-Policy"]
                words = (await got.text()).replace("http://www.w3.org/2000/svg", "")
                assert "src=http" not in words.replace('"', "")
                assert "@import" not in words


async def test_a_person_sees_only_what_is_theirs(preview: Preview) -> None:
    await client_of(preview).chat_postEphemeral(channel="C0ALERTS", user="U0LEAD", text="psst")
    trigger = preview.workspace.new_trigger("U0LEAD")
    await client_of(preview).views_open(trigger_id=trigger, view=MODAL)
    preview.banner = "Everything here is invented"
    lead, viewer = await snapshot(preview, "U0LEAD"), await snapshot(preview, "U0VIEWER")
    assert lead["banner"] == "Everything here is invented"
    assert "C0SECRET" in {c["id"] for c in lead["channels"]}
    assert "C0SECRET" not in {c["id"] for c in viewer["channels"]}
    assert "secret" not in json.dumps(viewer)
    assert [e["text"] for e in lead["ephemerals"]] == ["psst"]
    assert len(lead["modals"]) == 1
    assert (viewer["ephemerals"], viewer["modals"]) == ([], [])


async def test_an_old_thread_is_shown_when_somebody_opens_it(preview: Preview) -> None:
    first = preview.post_as("U0LEAD", "C0ALERTS", "the very first").ts
    for number in range(200):
        preview.post_as("U0LEAD", "C0ALERTS", f"later {number}")
    assert "the very first" not in json.dumps(await snapshot(preview, "U0LEAD"))
    assert "the very first" in json.dumps(await snapshot(preview, "U0LEAD", first))


async def test_the_page_acts_in_the_name_of_a_person(preview: Preview, connect: Connect) -> None:
    bot = await connect(preview)
    ts = await posted(preview)
    act: Json = {"user": "U0LEAD", "channel": "C0ALERTS"}
    command = await as_page(preview, "command", act | {"text": "/crisis check Aulane"})
    assert command == (200, {"error": ""})
    press = act | {"ts": ts, "action_id": "ack", "block_id": "inc-204:r7:act", "value": None}
    assert await as_page(preview, "press", press) == (200, {"error": ""})
    assert [body.get("text", "click") for body in bot.seen] == ["check Aulane", "click"]
    await as_page(preview, "say", act | {"text": "I am on it", "thread_ts": ts})
    assert preview.channel("C0ALERTS")[0].replies[-1].text == "I am on it"
    note = preview.ephemerals("U0LEAD")[0].ts
    await as_page(preview, "dismiss", act | {"ts": note})
    assert note not in {e.ts for e in preview.ephemerals("U0LEAD")}


async def test_the_page_fills_in_modals(preview: Preview, connect: Connect) -> None:
    bot = await connect(preview)
    view = await opened(preview)
    ask: Json = {"user": "U0LEAD", "view": view}
    empty = await as_page(preview, "submit", ask | {"values": {"reason": None, "note": None}})
    assert empty == (200, {"error": ""})
    assert preview.modals("U0LEAD")[0].errors == {"reason": "Please complete this required field."}
    await as_page(preview, "submit", ask | {"values": {"reason": "calm", "note": None}})
    assert (len(bot.seen), preview.modals("U0LEAD")) == (1, [])
    again = await opened(preview)
    assert (await as_page(preview, "close", {"user": "U0LEAD", "view": again}))[0] == 200
    assert preview.modals("U0LEAD") == []


@pytest.mark.parametrize(
    ("name", "body", "status"),
    [
        pytest.param("command", {"text": "/other x"}, 200, id="a command nobody offers"),
        pytest.param("press", {"ts": "1.0", "action_id": "ack"}, 400, id="no such message"),
        pytest.param("press", {"ts": "1.0"}, 400, id="an argument is missing"),
        pytest.param("submit", {"view": "V0", "values": {}}, 400, id="no such modal"),
    ],
)
async def test_the_page_is_told_what_does_not_work(
    preview: Preview, name: str, body: Json, status: int
) -> None:
    act: Json = {"user": "U0LEAD", "channel": "C0ALERTS"}
    got, told = await as_page(preview, name, act | body)
    assert got == status
    assert told["error"]


async def test_another_site_cannot_act(preview: Preview) -> None:
    words: Json = {"user": "U0LEAD", "channel": "C0ALERTS", "text": "forged"}
    status, _ = await as_page(preview, "say", words, Origin="https://evil.example")
    assert status == 403
    place = f"{preview.workspace.base}/page/say"
    async with aiohttp.ClientSession() as session:
        async with session.post(place, json=words) as got:
            assert got.status == 403  # no origin: not from a browser's own page
        form = {"Origin": preview.workspace.base}
        async with session.post(place, data=json.dumps(words), headers=form) as got:
            assert got.status == 415  # what a form could send
    assert preview.channel("C0ALERTS") == []


async def test_the_page_hears_of_every_change(preview: Preview) -> None:
    place = f"{preview.workspace.base}/page/changes"
    async with aiohttp.ClientSession() as session, session.get(place) as stream:
        assert await stream.content.readline() == b"data: changed\n"
        await stream.content.readline()
        preview.post_as("U0LEAD", "C0ALERTS", "news")
        async with asyncio.timeout(2):
            assert await stream.content.readline() == b"data: changed\n"


HOSTILE = "<script>window.evil = 1</script> <!channel> <img src=x onerror=evil()> &amp;"
SHOWN: list[Json] = [
    {"type": "section", "text": {"type": "plain_text", "text": HOSTILE}},
    {
        "type": "rich_text",
        "elements": [
            {"type": "rich_text_quote", "elements": [{"type": "text", "text": HOSTILE}]},
            {
                "type": "rich_text_section",
                "elements": [{"type": "link", "url": "javascript:evil()", "text": "bad link"}],
            },
        ],
    },
    {
        "type": "section",
        "text": {
            "type": "mrkdwn",
            "verbatim": True,
            "text": "*bold* _lean_ `code` &lt;!channel&gt; <@U0LEAD> <https://x.invalid|a link>"
            f" at <!date^{int(START.timestamp())}^{{time}}|12:00 UTC> <javascript:evil()|bad>",
        },
    },
]


@pytest.mark.heavy
async def test_hostile_text_shows_literally_and_buttons_work_in_a_browser(
    preview: Preview, connect: Connect
) -> None:
    if chromium() is None:
        missing("Chromium is not installed")
    bot = await connect(preview)
    confirm = {
        "title": {"type": "plain_text", "text": "Sure?"},
        "text": {"type": "plain_text", "text": "It is yours then."},
        "confirm": {"type": "plain_text", "text": "Yes, mine"},
        "deny": {"type": "plain_text", "text": "No"},
    }
    asking = {"type": "actions", "elements": [BUTTON | {"confirm": confirm}]}
    await posted(preview, SHOWN)
    await posted(preview, [asking])
    async with browser() as tab:
        await tab.open(f"{preview.workspace.base}/", width=380)
        await tab.until("document.querySelector('.message .rich')")
        shown = await tab.ask("document.querySelector('.message .body').textContent")
        assert shown.count(HOSTILE) == 2
        assert "bold lean code <!channel> @Account lead a link at 20:00" in shown  # in Shanghai
        assert await tab.ask("window.evil") is None
        links = await tab.ask("[...document.querySelectorAll('.body a')].map((a) => a.href)")
        assert links == ["https://x.invalid/"]
        assert await tab.ask("document.documentElement.scrollWidth") == 380
        await tab.click(".body .button", "Acknowledge")
        await tab.click(".dialog .button", "Yes, mine")
        await tab.until("document.body.textContent.includes('taken by @Duty officer')")
        await tab.until("document.body.textContent.includes('Only visible to you')")
        await tab.ask("document.querySelector('textarea').value = '/crisis hello'")
        await tab.click(".send")
        await tab.until("document.body.textContent.includes('you said hello')")
        assert tab.errors == []
    assert [body["user"]["id"] for body in bot.seen[:1]] == ["U0DUTY"]


# ----------------------------------------------------------------------------------- small rules
@pytest.mark.parametrize(
    ("method", "args", "code"),
    [
        ("chat.postMessage", {"channel": "C0ALERTS"}, "no_text"),
        ("chat.postMessage", {"text": "x"}, "invalid_arguments"),
        ("chat.postMessage", {"channel": "C0ALERTS", "blocks": "[{"}, "invalid_blocks_format"),
        ("chat.postMessage", {"channel": "C0ALERTS", "blocks": {"a": 1}}, "invalid_blocks_format"),
        (
            "chat.postMessage",
            {"channel": "C0ALERTS", "text": "x", "metadata": {"event_type": "a"}},
            "invalid_metadata_format",
        ),
        (
            "chat.postMessage",
            {"channel": "C0ALERTS", "text": "x", "metadata": {"event_payload": {"k": 1}}},
            "invalid_metadata_format",
        ),
        (
            "chat.postMessage",
            {
                "channel": "C0ALERTS",
                "text": "x",
                "metadata": {"event_type": "a", "event_payload": {"k": "v" * 20_000}},
            },
            "metadata_too_large",
        ),
        ("chat.getPermalink", {"channel": "C0ALERTS", "message_ts": "1.0"}, "message_not_found"),
        ("conversations.history", {"channel": "C0OTHER"}, "not_in_channel"),
        ("conversations.history", {"channel": "C0ALERTS", "oldest": "soon"}, "invalid_ts_oldest"),
        ("conversations.history", {"channel": "C0ALERTS", "cursor": "???"}, "invalid_cursor"),
        ("conversations.join", {"channel": "C0OLD"}, "is_archived"),
        ("conversations.open", {}, "users_list_not_supplied"),
        ("conversations.open", {"users": "U0LEAD,U0DUTY"}, "method_not_supported_for_channel_type"),
        ("usergroups.users.list", {"usergroup": "S0NONE"}, "no_such_subteam"),
        ("users.info", {"user": "U0NOBODY"}, "user_not_found"),
        ("views.open", {"trigger_id": "t"}, "invalid_arguments"),
        ("views.update", {"view_id": "V0", "view": MODAL}, "not_found"),
        (
            "views.open",
            {"trigger_id": "t", "view": {**MODAL, "private_metadata": "x" * 250_000}},
            "view_too_large",
        ),
        ("files.completeUploadExternal", {"files": []}, "invalid_arguments"),
        ("files.completeUploadExternal", {"files": [{"id": "F0"}]}, "file_not_found"),
        ("files.info", {"file": "F0"}, "file_not_found"),
    ],
)
async def test_what_slack_refuses_is_refused(
    preview: Preview, method: str, args: Json, code: str
) -> None:
    assert await code_of(client_of(preview).api_call(method, json=args)) == code


async def test_a_very_long_text_is_cut_with_a_warning(preview: Preview) -> None:
    answer = await client_of(preview).chat_postMessage(channel="C0ALERTS", text="x" * 40_001)
    assert answer["warning"] == "message_truncated"
    assert len(preview.channel("C0ALERTS")[0].root.text) == 40_000


async def test_the_bot_may_delete_what_it_wrote(preview: Preview) -> None:
    ts = await posted(preview)
    await client_of(preview).chat_delete(channel="C0ALERTS", ts=ts)
    assert preview.channel("C0ALERTS") == []


async def test_the_bot_itself_can_be_looked_up_and_a_talk_reopened(preview: Preview) -> None:
    client = client_of(preview)
    assert (await client.users_info(user=BOT_USER))["user"]["is_bot"] is True
    talk = (await client.conversations_open(users=["U0LEAD"]))["channel"]["id"]
    assert (await client.conversations_open(channel=talk))["channel"]["id"] == talk


async def test_a_body_that_is_no_json_is_named_so(preview: Preview) -> None:
    headers = {"Content-Type": "application/json"}
    place = f"{preview.api_url}auth.test"
    async with (
        aiohttp.ClientSession() as session,
        session.post(place, data="{", headers=headers) as got,
    ):
        assert (await got.json())["error"] == "invalid_json"


async def test_an_upload_must_have_the_announced_length(preview: Preview) -> None:
    client = client_of(preview)
    place = (await client.files_getUploadURLExternal(filename="a.png", length=10))["upload_url"]
    async with aiohttp.ClientSession() as session:
        async with session.post(place, data=b"four") as got:
            assert got.status == 400
        async with session.post(place, data={"file": io.BytesIO(b"0123456789")}) as got:
            assert (got.status, await got.text()) == (200, "OK - 10")  # as a form's file
        for missing_place in ("upload/F0", "files/F0", "archives/C0/pxyz", "response/R0"):
            url = f"{preview.workspace.base}/{missing_place}"
            verb = session.post if missing_place[0] in "ur" else session.get
            async with verb(url, json={}) as got:
                assert got.status == 404


async def test_administrators_change_what_the_bot_may_do(preview: Preview) -> None:
    client = client_of(preview)
    preview.kick("C0ALERTS")
    assert await code_of(client.chat_postMessage(channel="C0ALERTS", text="x")) == "not_in_channel"
    preview.invite("C0ALERTS")
    await client.chat_postMessage(channel="C0ALERTS", text="x")
    preview.archive("C0ALERTS")
    assert await code_of(client.chat_postMessage(channel="C0ALERTS", text="x")) == "is_archived"


async def test_a_response_url_may_change_the_message_that_was_clicked(preview: Preview) -> None:
    ts = await posted(preview)
    await client_of(preview).chat_postEphemeral(channel="C0ALERTS", user="U0LEAD", text="asking")
    note = preview.ephemerals("U0LEAD")[0].ts
    on_message = preview.workspace.new_response_url("C0ALERTS", "U0LEAD", ts)
    on_note = preview.workspace.new_response_url("C0ALERTS", "U0LEAD", note)
    on_nothing = preview.workspace.new_response_url("C0ALERTS", "U0LEAD")

    async with aiohttp.ClientSession() as session:

        async def use(place: str, body: Json) -> int:
            async with session.post(place, json=body) as got:
                return got.status

        assert await use(on_message, {"replace_original": True, "text": "closed"}) == 200
        assert preview.channel("C0ALERTS")[0].root.text == "closed"
        assert await use(on_nothing, {"response_type": "in_channel", "text": "to all"}) == 200
        assert preview.channel("C0ALERTS")[1].root.text == "to all"
        assert await use(on_message, {"delete_original": True}) == 200
        assert [t.root.text for t in preview.channel("C0ALERTS")] == ["to all"]
        assert await use(on_note, {"delete_original": True}) == 200
        assert preview.ephemerals("U0LEAD") == []
        assert await use(on_nothing, {"replace_original": True, "text": "x"}) == 404
        assert await use(on_nothing, {"text": ""}) == 404


async def test_a_click_may_be_in_an_ephemeral_or_a_modal(
    preview: Preview, connect: Connect
) -> None:
    bot = await connect(preview)
    await client_of(preview).chat_postEphemeral(
        channel="C0ALERTS", user="U0LEAD", text="?", blocks=ROOT
    )
    note = preview.ephemerals("U0LEAD")[0]
    payloads: list[Json] = []

    async def noted(ack: Any, body: Json) -> None:
        payloads.append(body)
        await ack()

    bot.app.action("ack2")(noted)
    bot.app.action("in_view")(noted)
    await preview.press_stale(
        "U0LEAD", "C0ALERTS", note.ts, BUTTON | {"action_id": "ack2", "block_id": "b"}
    )
    assert payloads[0]["container"]["is_ephemeral"] is True
    assert "message" not in payloads[0]
    button = {"type": "actions", "elements": [BUTTON | {"action_id": "in_view"}]}
    trigger = preview.workspace.new_trigger("U0LEAD")
    await client_of(preview).views_open(
        trigger_id=trigger, view=MODAL | {"blocks": [*MODAL["blocks"], button]}
    )
    view = preview.modals("U0LEAD")[0].id
    assert (await preview.press_in_view("U0LEAD", view, "in_view")).ok
    assert payloads[1]["view"]["id"] == view


async def test_a_refused_acknowledgement_is_told_to_the_person(
    make: Make, connect: Connect
) -> None:
    preview = await make(problems=lambda message: ["no"] if "you said" in str(message) else [])
    await connect(preview)
    answer = await preview.command("U0DUTY", "C0ALERTS", "/crisis", "hello")
    assert answer.error == "invalid_blocks"
    assert "invalid_blocks" in preview.ephemerals("U0DUTY")[0].text


async def test_a_submit_nobody_acknowledges_leaves_the_modal_open(preview: Preview) -> None:
    trigger = preview.workspace.new_trigger("U0LEAD")
    await client_of(preview).views_open(trigger_id=trigger, view=MODAL)
    view = preview.modals("U0LEAD")[0].id
    answer = await preview.submit("U0LEAD", view, {"reason": "calm"})
    assert answer.error == "dispatch_failed"
    assert "Try again" in preview.modals("U0LEAD")[0].errors[""]


async def test_only_who_can_see_something_can_act_on_it(preview: Preview) -> None:
    ts = await posted(preview)
    with pytest.raises(NotThere, match="no member of C0SECRET"):
        await preview.command("U0DUTY", "C0SECRET", "/crisis")
    with pytest.raises(NotThere, match="channel_not_found"):
        await preview.command("U0DUTY", "C0NOWHERE", "/crisis")
    with pytest.raises(NotThere, match="user_not_found"):
        await preview.press("U0NOBODY", "C0ALERTS", ts, "ack")
    with pytest.raises(NotThere, match="no message"):
        await preview.press("U0DUTY", "C0ALERTS", "1.0", "ack")


def test_without_a_folder_there_is_no_contract_to_check() -> None:
    preview = Preview(now=lambda: START)
    for ask in (preview.problems, preview.scopes_used):
        with pytest.raises(ValueError, match="no contract folder"):
            ask()


async def test_every_kind_of_field_has_its_shape_in_the_state(
    preview: Preview, connect: Connect
) -> None:
    bot = await connect(preview)
    options = MODAL["blocks"][0]["element"]["options"]

    def field(name: str, **element: Any) -> Json:
        label = {"type": "plain_text", "text": name}
        element = {"action_id": "x", **element}
        return {"type": "input", "block_id": name, "label": label, "element": element}

    fields = [
        field("who", type="users_select", initial_user="U0DUTY"),
        field("day", type="datepicker"),
        field("one", type="radio_buttons", options=options, initial_option=options[0]),
        field("many", type="checkboxes", options=options, initial_options=[options[1]]),
        field("several", type="multi_static_select", options=options),
        field("short", type="plain_text_input", min_length=3),
    ]
    trigger = preview.workspace.new_trigger("U0LEAD")
    await client_of(preview).views_open(trigger_id=trigger, view=MODAL | {"blocks": fields})
    view = preview.modals("U0LEAD")[0].id
    values: Json = {"day": "2026-03-11", "several": ["calm"], "short": "no"}
    assert (await preview.submit("U0LEAD", view, values)).error == "not_sent"
    assert preview.modals("U0LEAD")[0].errors == {"short": "Must be at least 3 characters."}
    await client_of(preview).views_update(
        view_id=view, view=MODAL | {"blocks": fields, "callback_id": "fields"}
    )
    bot.app.view("fields")(bot.closed)
    await preview.submit("U0LEAD", view, values | {"short": "yes"})
    state = {name: entry["x"] for name, entry in bot.seen[0]["state"]["values"].items()}
    assert state == {
        "who": {"type": "users_select", "selected_user": "U0DUTY"},
        "day": {"type": "datepicker", "selected_date": "2026-03-11"},
        "one": {"type": "radio_buttons", "selected_option": options[0]},
        "many": {"type": "checkboxes", "selected_options": [options[1]]},
        "several": {"type": "multi_static_select", "selected_options": [options[1]]},
        "short": {"type": "plain_text_input", "value": "yes"},
    }


async def test_an_eleventh_connection_is_sent_away(preview: Preview) -> None:
    app = client_of(preview, preview.app_token)

    async def url() -> str:
        return str((await app.apps_connections_open(app_token=preview.app_token))["url"])

    async with aiohttp.ClientSession() as session:
        sockets = [await session.ws_connect(await url()) for _ in range(10)]
        async with session.ws_connect(await url()) as eleventh:
            frame = await eleventh.receive_json()
        assert (frame["type"], frame["reason"]) == ("disconnect", "too_many_websockets")
        for socket in sockets:
            await socket.close()


async def test_strange_frames_are_ignored_and_a_lost_connection_ends_the_wait(
    preview: Preview,
) -> None:
    app = client_of(preview, preview.app_token)
    url = str((await app.apps_connections_open(app_token=preview.app_token))["url"])
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
        assert (await socket.receive_json())["type"] == "hello"
        for strange in ("no json", "[]", '{"envelope_id": "of nobody"}'):
            await socket.send_str(strange)
        asking = asyncio.create_task(preview.command("U0DUTY", "C0ALERTS", "/crisis"))
        assert (await socket.receive_json())["type"] == "slash_commands"
        await socket.close()
    answer = await asking
    assert answer.error == "operation_timeout"
    assert answer.took < timedelta(seconds=2)
    assert await preview.connected(timeout=0.01) is False


async def test_in_http_mode_a_bot_that_is_away_or_slow_is_told(make: Make) -> None:
    away = await make(request_url="http://127.0.0.1:9/slack/events", signing_secret="x")
    answer = await away.command("U0DUTY", "C0ALERTS", "/crisis")
    assert answer.error == "dispatch_failed"

    async def slow(_request: web.Request) -> web.Response:
        await asyncio.sleep(1)
        return web.Response()

    async def wordy(_request: web.Request) -> web.Response:
        return web.Response(text="plain words")

    listener = web.Application()
    listener.add_routes([web.post("/slow", slow), web.post("/wordy", wordy)])
    runner = web.AppRunner(listener, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        short = timedelta(seconds=0.2)
        late = await make(request_url=f"{base}/slow", ack_patience=short)
        assert (await late.command("U0DUTY", "C0ALERTS", "/crisis")).error == "operation_timeout"
        words = await make(request_url=f"{base}/wordy", events=["app_home_opened"])
        await words.command("U0DUTY", "C0ALERTS", "/crisis")
        assert [note.text for note in words.ephemerals("U0DUTY")] == ["plain words"]
        told = await words.event({"type": "app_home_opened", "user": "U0DUTY"})
        assert told is not None
        assert told.ok
    finally:
        await runner.cleanup()


async def test_enumerations_and_lengths_of_the_contract_are_kept(
    make: Make, tmp_path: Path
) -> None:
    rules = {
        "args": {
            "required": ["token"],
            "properties": {
                "parse": {"enum": ["none", "full"]},
                "text": {"maxLength": 5},
                "channel": {},
            },
        },
        "scope": {},
    }
    (tmp_path / "chat.postMessage.json").write_text(json.dumps(rules))
    preview = await make(contract=tmp_path)
    await client_of(preview).api_call(
        "chat.postMessage", json={"channel": "C0ALERTS", "text": "too long", "parse": "client"}
    )
    assert preview.problems() == [
        "chat.postMessage: parse is 'client', not one of ['none', 'full']",
        "chat.postMessage: text has 8 characters, at most 5",
    ]


async def test_opening_a_direct_talk_needs_its_own_scope(make: Make, shared: Path) -> None:
    preview = await make(contract=shared / "data" / "slack-api" / "methods")
    await client_of(preview).conversations_open(users="U0LEAD")
    await preview.command("U0LEAD", "C0ALERTS", "/crisis")
    assert preview.scopes_used() == {frozenset({"im:write"}), frozenset({"commands"})}
