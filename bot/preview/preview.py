"""The stand-in for Slack as one object: start it, point the bot at `api_url`, act as its people."""

import asyncio
import secrets
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

from bot.preview import contract as contracts
from bot.preview import people
from bot.preview.contract import Call
from bot.preview.delivery import Answer, Delivery, SignedRequests, Sockets
from bot.preview.faults import Fault
from bot.preview.pages import Pages
from bot.preview.people import NotThere
from bot.preview.server import Server
from bot.preview.web_api import BlockProblems, WebApi
from bot.preview.workspace import (
    Channel,
    Ephemeral,
    Group,
    Json,
    Message,
    Modal,
    Refused,
    ResponseUrl,
    User,
    Workspace,
    with_ids,
)

LOOK_AGAIN = 0.05  # s
SCOPES = (
    "app_mentions:read",
    "channels:history",
    "channels:join",
    "channels:read",
    "chat:write",
    "commands",
    "files:write",
    "groups:history",
    "groups:read",
    "im:write",
    "usergroups:read",
    "users:read",
)
PEOPLE = (
    User(id="U0DUTY", name="Duty officer", title="takes what comes at night"),
    User(id="U0LEAD", name="Account lead", title="answers for the client", zone="Europe/Paris"),
    User(id="U0VIEWER", name="Viewer", title="may look, may not act"),
)


@dataclass(frozen=True, slots=True)
class Thread:
    """A root message and its replies, oldest first."""

    root: Message
    replies: tuple[Message, ...]


class Preview:
    """A workspace on this machine that speaks Slack's Web API and Socket Mode.

    NOW dates the messages and may run fast, as in a demonstration; MONOTONIC is the clock by which
    triggers and response URLs expire, because the bot answers in real time.
    STRICT: ids nobody declared are unknown, as in Slack; otherwise they become channels and people.
    PROBLEMS judges blocks and views. CONTRACT is a folder of method files: calls are then held
    against it and need their scopes. REQUEST_URL: signed HTTP requests in place of sockets. EVENTS:
    the event types the app subscribed to. COMMANDS: what the page's slash box offers, with a hint.
    """

    def __init__(
        self,
        team: str = "Fenghuo preview",
        channels: Iterable[Channel] = (),
        users: Iterable[User] = PEOPLE,
        *,
        now: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
        groups: Iterable[Group] = (),
        strict: bool = True,
        problems: BlockProblems | None = None,
        contract: Path | None = None,
        scopes: Collection[str] = SCOPES,
        events: Collection[str] = (),
        commands: Mapping[str, str] = MappingProxyType({"/crisis": "help"}),
        rate_limit: bool = False,
        request_url: str | None = None,
        signing_secret: str = "",
        signed_at: Callable[[], datetime] | None = None,  # Bolt compares it with the real time
        ack_patience: timedelta = timedelta(seconds=3),
        new_key: Callable[[], str] = lambda: secrets.token_hex(12),
    ) -> None:
        self.bot_token = f"xoxb-{new_key()}"
        self.app_token = f"xapp-{new_key()}"
        self.contract = contract
        self.events = frozenset(events)
        self._banner = ""
        self._watching: set[asyncio.Event] = set()
        self._scopes_by_use: set[frozenset[str]] = set()
        self.workspace = Workspace(
            name=team,
            channels=channels,
            users=users,
            groups=groups,
            now=now,
            monotonic=monotonic,
            strict=strict,
            on_change=self._changed,
        )
        self.sockets = Sockets(patience=ack_patience, on_change=self._changed)
        self.delivery: Delivery = self.sockets
        self.request_url = request_url  # None: Socket Mode
        if request_url:
            self.delivery = SignedRequests(
                request_url, signing_secret, now=signed_at or now, patience=ack_patience
            )
        self._api = WebApi(self.workspace, problems)
        self._api.public_write = "chat:write.public" in scopes
        self.server = Server(
            self.workspace,
            self._api,
            self.sockets,
            tokens={self.bot_token: "bot", self.app_token: "app"},
            scopes=scopes,
            contract=contract,
            rate_limit=rate_limit,
            new_key=new_key,
        )
        self._pages = Pages(
            self.workspace,
            self,
            commands=commands,
            banner=lambda: self._banner,
            connections=lambda: len(self.sockets.open),
            watching=self._watching,
            stopping=self.server.stopping,
        )

    # ------------------------------------------------------------------------ start and stop
    async def start(self, host: str = "127.0.0.1", port: int = 0) -> str:
        """Listen and return the address of the page; ValueError when HOST is not loopback."""
        return f"{await self.server.start(host, port, self._pages.routes())}/"

    async def stop(self) -> None:
        await self.server.stop()

    @property
    def api_url(self) -> str:
        """What goes into SLACK_API_URL, or `base_url` of the SDK's client."""
        return f"{self.workspace.base}/api/"

    @property
    def banner(self) -> str:
        """The words in the bar across the page."""
        return self._banner

    @banner.setter
    def banner(self, words: str) -> None:
        self._banner = words
        self._changed()

    def _changed(self) -> None:
        for event in self._watching:
            event.set()

    async def until(self, holds: Callable[[], bool], timeout: float = 5.0) -> None:
        """Wait until HOLDS() is true; TimeoutError after TIMEOUT s. Looks after each change, and
        now and then without one, for what happens outside the workspace."""
        event = asyncio.Event()
        self._watching.add(event)
        try:
            async with asyncio.timeout(timeout):
                while not holds():
                    event.clear()
                    with suppress(TimeoutError):
                        await asyncio.wait_for(event.wait(), LOOK_AGAIN)
        finally:
            self._watching.discard(event)

    async def connected(self, timeout: float = 5.0) -> bool:
        """Wait until the bot has a Socket Mode connection."""
        return await self.sockets.connected(timedelta(seconds=timeout))

    async def refresh(self, reason: str = "refresh_requested") -> int:
        """Send every connection away as Slack does now and then; return how many there were."""
        return await self.sockets.disconnect(reason)

    # --------------------------------------------------------------------------------- looking
    def channel(self, channel: str) -> list[Thread]:
        """Return the root messages of CHANNEL with their replies, oldest first."""
        room = self._room(channel)
        return [Thread(root, tuple(room.replies(root.ts))) for root in room.roots()]

    def ephemerals(self, user: str) -> list[Ephemeral]:
        """Return what only USER was shown, oldest first."""
        return [note for note in self.workspace.ephemeral if note.user == user]

    def modals(self, user: str) -> list[Modal]:
        """Return the views USER has open, the top one last."""
        return self.workspace.stack(user)

    @property
    def calls(self) -> list[Call]:
        """Return every call the bot made (of very many the newest), in order of arrival."""
        return list(self.server.calls)

    def problems(self, contract: Path | None = None) -> list[str]:
        """Return what is wrong with the calls so far by the contract; each fault once."""
        folder = contract or self.contract
        if folder is None:
            raise ValueError("no contract folder was given")
        found = [fault for call in self.calls for fault in contracts.problems(call, folder)]
        return list(dict.fromkeys(found))

    def scopes_used(self, contract: Path | None = None) -> set[frozenset[str]]:
        """Return what the bot needed so far: of each set at least one scope must be granted."""
        folder = contract or self.contract
        if folder is None:
            raise ValueError("no contract folder was given")
        by_calls = {any_of for c in self.calls for any_of in contracts.alternatives(c, folder)}
        return by_calls | self._scopes_by_use

    # ---------------------------------------------------------------------------------- faults
    def fault(
        self,
        method: str,
        kind: str,
        times: int | None = 1,
        *,
        executed: bool = False,
        retry_after: int | None = 1,
        delay: timedelta = timedelta(seconds=30),
    ) -> None:
        """Spoil the next TIMES calls of METHOD ("*": any; times None: until `heal`).

        KIND: drop_before, drop_after, cut_answer, slow, http_500, html_503, broken_json,
        rate_limited, error:<code>. EXECUTED: the call is carried out although the answer is bad.
        """
        self.server.faults.plan(
            Fault(
                method=method,
                kind=kind,
                left=times,
                executed=executed,
                retry_after=retry_after,
                delay=delay,
            )
        )

    def heal(self) -> None:
        """Forget every fault that is still to come."""
        self.server.faults.clear()

    # ---------------------------------------------------------------- what people do in Slack
    async def press(
        self,
        user: str,
        channel: str,
        ts: str,
        action_id: str,
        value: str | None = None,
        *,
        block_id: str | None = None,
    ) -> Answer:
        """Click ACTION_ID in the message TS (confirmed, where it asks). VALUE: the option chosen,
        or which of several buttons with that id. NotThere when nobody could click it."""
        room = self._room(channel)
        spot = self._spot(user, room, ts)
        tree = [spot.blocks, spot.attachments]
        block_id, element = people.find_element(
            tree, action_id, value, f"{channel} {ts}", block_id=block_id
        )
        act = people.action(block_id, element, value, self.workspace.next_ts())
        return await self._click(user, room, spot, act)

    async def press_stale(self, user: str, channel: str, ts: str, element: Json) -> Answer:
        """Click a button as it stood in an older edition of the message, as a slow screen shows it.

        ELEMENT: the button's dict, with its `block_id`."""
        room = self._room(channel)
        spot = self._spot(user, room, ts)
        block_id = str(element.get("block_id", ""))
        act = people.action(block_id, element, None, self.workspace.next_ts())
        return await self._click(user, room, spot, act)

    async def _click(
        self,
        user: str,
        room: Channel,
        spot: Message | Ephemeral,
        act: Json,
    ) -> Answer:
        person = self._person(user, room)
        payload = people.click(self.workspace, person, room, spot, act)
        answer = await self.delivery.send("interactive", payload)
        if answer.error:
            self._slackbot(person, room, f"That did not work: {answer.error}", spot.thread_ts)
        return answer

    async def press_in_view(
        self, user: str, view_id: str, action_id: str, value: str | None = None
    ) -> Answer:
        """Click ACTION_ID in an open modal."""
        modal = self._open_modal(user, view_id)
        block_id, element = people.find_element(modal.view["blocks"], action_id, value, view_id)
        act = people.action(block_id, element, value, self.workspace.next_ts())
        person = self.workspace.users[user]
        payload = people.click_in_view(self.workspace, person, modal, act)
        return await self.delivery.send("interactive", payload)

    async def command(self, user: str, channel: str, verb: str, text: str = "") -> Answer:
        """Type VERB TEXT in CHANNEL; the answer in the acknowledgement is shown there."""
        room = self._room(channel)
        person = self._person(user, room)
        self._scopes_by_use.add(frozenset({"commands"}))
        payload = people.command(self.workspace, person, room, verb, text)
        answer = await self.delivery.send("slash_commands", payload)
        if answer.body:
            url = ResponseUrl(room.id, person.id, self.workspace.monotonic())
            answer = _carried_out(answer, lambda: self.server.respond(url, answer.body))
        if answer.error:
            self._slackbot(person, room, f'{verb} failed with the error "{answer.error}"')
        return answer

    async def submit(
        self, user: str, view_id: str, values: Mapping[str, Any] | None = None
    ) -> Answer:
        """Send the modal with VALUES by action id or block id; follow the `response_action`.

        What Slack itself refuses (a required field left empty) is never sent: the answer then has
        the error `not_sent` and the modal shows why."""
        modal = self._open_modal(user, view_id)
        state, complaints = people.input_values(modal, values or {})
        if complaints:
            modal.errors = complaints
            self._changed()
            return Answer(error="not_sent")
        person = self.workspace.users[user]
        payload = people.submission(self.workspace, person, modal, state)
        answer = await self.delivery.send("interactive", payload)
        if answer.ok:
            answer = _carried_out(answer, lambda: self._after_submit(modal, answer))
        if answer.error:
            modal.errors = {"": "We had some trouble connecting. Try again?"}
            self._changed()
        return answer

    def _after_submit(self, modal: Modal, answer: Answer) -> None:
        act = answer.body.get("response_action")
        if act == "errors":
            modal.errors = dict(answer.body["errors"])
            self._changed()
        elif act == "update":
            self.workspace.replace_view(modal, self._api.checked_view(answer.body))
        elif act == "push":
            view = self._api.checked_view(answer.body)
            self.workspace.open_view(modal.user, view, push=True)
        else:
            self.workspace.close_views(modal.user, only=None if act == "clear" else modal.id)

    async def close_view(self, user: str, view_id: str) -> Answer:
        """Close a modal with its own button; the app hears of it if it asked to."""
        modal = self._open_modal(user, view_id)
        self.workspace.close_views(user, only=modal.id)
        if not modal.view.get("notify_on_close"):
            return Answer()
        person = self.workspace.users[user]
        payload = people.closing(self.workspace, person, modal, cleared=False)
        return await self.delivery.send("interactive", payload)

    async def say(
        self, user: str, channel: str, text: str, *, thread_ts: str | None = None
    ) -> Message:
        """Write a message as a person; the app hears of it if it subscribed to such events."""
        room = self._room(channel)
        person = self._person(user, room)
        message = Message(
            ts=self.workspace.next_ts(),
            channel=channel,
            user=person.id,
            text=people.escaped(self.workspace, text),
            thread_ts=thread_ts,
        )
        self.workspace.post(room, message)
        inner = self.workspace.shown(message) | {"channel": room.id, "event_ts": message.ts}
        if people.mentions_bot([message.text]):
            await self.event(inner | {"type": "app_mention"})
        await self.event(inner | {"channel_type": "im" if room.direct else "channel"})
        return message

    async def event(self, inner: Json) -> Answer | None:
        """Send the event INNER if the app subscribed to its type; None when it did not."""
        if inner.get("type") not in self.events:
            return None
        return await self.delivery.send("events_api", people.event(self.workspace, inner))

    # --------------------------------------------------------------- what administrators do
    def post_as(self, user: str, channel: str, text: str, blocks: Iterable[Json] = ()) -> Message:
        """Put a message there that is not the bot's; no event."""
        message = Message(
            ts=self.workspace.next_ts(),
            channel=channel,
            user=user,
            text=text,
            blocks=with_ids(blocks, self.workspace.fresh),
        )
        return self.workspace.post(self._room(channel), message)

    def delete(self, channel: str, ts: str) -> None:
        """Delete a message, whoever wrote it."""
        self.workspace.delete(self._room(channel), ts)

    def archive(self, channel: str, archived: bool = True) -> None:
        self._room(channel).archived = archived
        self._changed()

    def invite(self, channel: str) -> None:
        """Make the bot a member of CHANNEL."""
        self._room(channel).joined = True
        self._changed()

    def kick(self, channel: str) -> None:
        """Throw the bot out of CHANNEL."""
        self._room(channel).joined = False
        self._changed()

    # --------------------------------------------------------------------------- small pieces
    def _room(self, channel: str) -> Channel:
        try:
            return self.workspace.channels.get(channel) or self.workspace.channel(channel)
        except Refused as refused:
            raise NotThere(f"{channel}: {refused.code}") from None

    def _person(self, user: str, room: Channel) -> User:
        try:
            person = self.workspace.user(user)
        except Refused as refused:
            raise NotThere(f"{user}: {refused.code}") from None
        if not room.has(user):
            raise NotThere(f"{user} is no member of {room.id}")
        return person

    def _spot(self, user: str, room: Channel, ts: str) -> Message | Ephemeral:
        spot = room.messages.get(ts)
        whispered = [e for e in self.ephemerals(user) if e.ts == ts and e.channel == room.id]
        found = spot or next(iter(whispered), None)
        if found is None:
            raise NotThere(f"no message {ts} in {room.id}")
        return found

    def _open_modal(self, user: str, view_id: str) -> Modal:
        modal = self.workspace.modals.get(view_id)
        if modal is None or modal.user != user:
            raise NotThere(f"{user} has no modal {view_id} open")
        return modal

    def _slackbot(
        self, person: User, room: Channel, words: str, thread_ts: str | None = None
    ) -> None:
        self.workspace.whisper(
            Ephemeral(
                ts=self.workspace.next_ts(),
                channel=room.id,
                user=person.id,
                text=words,
                thread_ts=thread_ts,
                from_slack=True,
            )
        )


def _carried_out(answer: Answer, follow: Callable[[], None]) -> Answer:
    """FOLLOW what an acknowledgement asks for; where Slack would refuse that, say so instead."""
    try:
        follow()
    except Refused as refused:
        return replace(answer, error=refused.code)
    return answer
