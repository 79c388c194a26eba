"""What the stand-in for Slack remembers: people, channels, messages, files, modals.

Holds Slack's rules about them (who may post where, what an edit replaces, what history shows) and
knows neither HTTP nor the wire. The clock comes in as `now`. A rule that is broken raises Refused
with Slack's own error code.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

Json = dict[str, Any]

TEAM = "T0PREVIEW"
APP = "A0FENGHUO"
BOT = "B0FENGHUO"
BOT_USER = "U0FENGHUO"
TRIGGER_LIFE = timedelta(seconds=3)  # slack.md T3
RESPONSE_LIFE = timedelta(minutes=30)  # slack.md T4
RESPONSE_USES = 5
TEXT_LIMIT = 40_000  # characters; Slack cuts and warns
METADATA_LIMIT = 16_000  # bytes of JSON; Slack's own figure is not published
VIEWS_STACKED = 3


Worn = TypeVar("Worn", "Trigger", "ResponseUrl")


class Refused(Exception):
    """Slack would answer `ok: false`."""

    def __init__(self, code: str, messages: Iterable[str] = (), **extra: Any) -> None:
        super().__init__(code)
        self.code = code
        self.messages = tuple(messages)
        self.extra = extra


@dataclass(slots=True, kw_only=True)
class User:
    """A person of the workspace; `team` other than ours means a guest through Slack Connect."""

    id: str
    name: str
    title: str = ""
    zone: str = "Asia/Shanghai"
    guest: bool = False
    deleted: bool = False
    team: str = TEAM

    def as_slack(self, now: datetime) -> Json:
        offset = now.astimezone(ZoneInfo(self.zone)).utcoffset() or timedelta()
        return {
            "id": self.id,
            "team_id": self.team,
            "name": handle(self.name),
            "real_name": self.name,
            "deleted": self.deleted,
            "is_bot": False,
            "is_admin": False,
            "is_restricted": self.guest,
            "is_ultra_restricted": False,
            "tz": self.zone,
            "tz_label": self.zone,
            "tz_offset": int(offset.total_seconds()),
            "profile": {
                "real_name": self.name,
                "display_name": self.name,
                "title": self.title,
                "email": f"{handle(self.name)}@example.invalid",
            },
        }


@dataclass(slots=True, kw_only=True)
class Group:
    """A user group, mentioned as `<!subteam^ID>`."""

    id: str
    handle: str
    members: tuple[str, ...] = ()

    def as_slack(self, *, with_users: bool) -> Json:
        shown: Json = {
            "id": self.id,
            "team_id": TEAM,
            "is_usergroup": True,
            "name": self.handle,
            "handle": self.handle,
            "user_count": len(self.members),
            "date_delete": 0,
        }
        return shown | ({"users": list(self.members)} if with_users else {})


@dataclass(slots=True, kw_only=True)
class Message:
    """One message; `user` is the poster. Roots have no `thread_ts`."""

    ts: str
    channel: str
    user: str
    text: str = ""
    blocks: list[Json] = field(default_factory=list)
    attachments: list[Json] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    thread_ts: str | None = None
    broadcast: bool = False
    metadata: Json | None = None
    edits: int = 0
    edited_ts: str | None = None
    deleted: bool = False  # a root that was deleted but has replies: Slack leaves a tombstone

    @property
    def by_bot(self) -> bool:
        return self.user == BOT_USER


@dataclass(slots=True, kw_only=True)
class Channel:
    """A conversation. `members=None`: every person of the workspace."""

    id: str
    name: str
    private: bool = False
    joined: bool = False  # the bot is a member
    archived: bool = False
    members: frozenset[str] | None = None
    direct: bool = False
    messages: dict[str, Message] = field(default_factory=dict)  # by ts, oldest first

    @property
    def scope_prefix(self) -> str:
        """The word before the colon in the scopes that reach this conversation."""
        return "im" if self.direct else "groups" if self.private else "channels"

    def has(self, user: str) -> bool:
        return self.joined if user == BOT_USER else self.members is None or user in self.members

    def replies(self, root: str) -> list[Message]:
        return [m for m in self.messages.values() if m.thread_ts == root]

    def roots(self) -> list[Message]:
        return [m for m in self.messages.values() if m.thread_ts is None]

    def as_slack(self, people: int) -> Json:
        return {
            "id": self.id,
            "name": self.name,
            "is_channel": not self.private and not self.direct,
            "is_group": self.private,
            "is_im": self.direct,
            "is_private": self.private or self.direct,
            "is_archived": self.archived,
            "is_member": self.joined,
            "is_general": False,
            "num_members": people if self.members is None else len(self.members),
            "topic": {"value": ""},
            "purpose": {"value": ""},
        }


@dataclass(slots=True, kw_only=True)
class Ephemeral:
    """A message only one person sees until the page is reloaded; Slack keeps none (slack.md M5)."""

    ts: str
    channel: str
    user: str
    text: str = ""
    blocks: list[Json] = field(default_factory=list)
    attachments: list[Json] = field(default_factory=list)
    thread_ts: str | None = None
    from_slack: bool = False  # Slackbot's own words, such as operation_timeout


@dataclass(slots=True, kw_only=True)
class File:
    id: str
    name: str
    length: int
    alt: str = ""
    title: str = ""
    content: bytes | None = None
    shares: list[tuple[str, str]] = field(default_factory=list)  # (channel, ts)

    @property
    def picture_type(self) -> str | None:
        """The media type when the bytes are a picture that a page may show, else None."""
        head = (self.content or b"")[:12]
        if head.startswith(b"\x89PNG\r\n\x1a\n"):
            return "image/png"
        if head.startswith(b"\xff\xd8\xff"):
            return "image/jpeg"
        return "image/gif" if head[:6] in {b"GIF87a", b"GIF89a"} else None

    def as_slack(self, base: str) -> Json:
        shares: Json = {}
        for channel, ts in self.shares:
            shares.setdefault(channel, []).append({"ts": ts})
        return {
            "id": self.id,
            "name": self.name,
            "title": self.title or self.name,
            "mimetype": self.picture_type or "application/octet-stream",
            "size": self.length,
            "alt_txt": self.alt,
            "url_private": f"{base}/files/{self.id}",
            "permalink": f"{base}/files/{self.id}",
            "shares": {"public": shares},
        }


@dataclass(slots=True, kw_only=True)
class Modal:
    """A view one person has open. `errors`: block id to the words shown under that field."""

    id: str
    user: str
    view: Json
    hash: str
    root: str
    previous: str | None = None
    errors: dict[str, str] = field(default_factory=dict)

    def as_slack(self, values: Json | None = None) -> Json:
        return {
            "id": self.id,
            "team_id": TEAM,
            "private_metadata": "",
            "callback_id": "",
            "clear_on_close": False,
            "notify_on_close": False,
            "close": None,
            "submit": None,
            "external_id": "",
            **self.view,
            "state": {"values": values or {}},
            "hash": self.hash,
            "root_view_id": self.root,
            "previous_view_id": self.previous,
            "app_id": APP,
            "app_installed_team_id": TEAM,
            "bot_id": BOT,
        }


@dataclass(slots=True)
class Trigger:
    user: str
    until: float  # s of the monotonic clock
    used: bool = False


@dataclass(slots=True)
class ResponseUrl:
    """Where `respond()` goes: the conversation, the person, and the message that was clicked."""

    channel: str
    user: str
    until: float  # s of the monotonic clock
    message_ts: str | None = None
    thread_ts: str | None = None
    left: int = RESPONSE_USES


def handle(name: str) -> str:
    """Return NAME as it stands behind an @: lower case, no spaces."""
    return "".join(c if c.isalnum() else "." for c in name.lower()).strip(".") or "someone"


def named_parts(tree: Any) -> Iterator[tuple[str, Json]]:
    """Yield (block_id, element) for everything inside TREE that has an action_id."""
    yield from _named_parts(tree, "")


def _named_parts(node: Any, block_id: str) -> Iterator[tuple[str, Json]]:
    if isinstance(node, Mapping):
        block_id = str(node.get("block_id", block_id))
        if "action_id" in node:
            yield block_id, dict(node)
        for child in node.values():
            yield from _named_parts(child, block_id)
    elif isinstance(node, list):
        for child in node:
            yield from _named_parts(child, block_id)


_INTERACTIVE = ("button", "select", "overflow", "picker", "radio_buttons", "checkboxes", "input")


def with_ids(blocks: Iterable[Json], fresh: Callable[[str], str]) -> list[Json]:
    """Return BLOCKS with the block and action ids that Slack adds where an app left them out."""
    done = []
    for block in blocks:
        named = _with_action_ids(dict(block), fresh)
        named.setdefault("block_id", fresh("b"))
        done.append(named)
    return done


def _with_action_ids(node: Any, fresh: Callable[[str], str]) -> Any:
    if isinstance(node, list):
        return [_with_action_ids(child, fresh) for child in node]
    if not isinstance(node, Mapping):
        return node
    copy = {key: _with_action_ids(child, fresh) for key, child in node.items()}
    kind = str(copy.get("type", ""))
    if kind != "input" and any(word in kind for word in _INTERACTIVE) and "block_id" not in copy:
        copy.setdefault("action_id", fresh("a"))
    return copy


class Workspace:
    """One workspace with one app in it. Each change calls ON_CHANGE, so that pages redraw."""

    def __init__(
        self,
        *,
        name: str,
        channels: Iterable[Channel],
        users: Iterable[User],
        groups: Iterable[Group],
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
        strict: bool,
        on_change: Callable[[], None],
    ) -> None:
        self.name = name
        self.now = now
        self.monotonic = monotonic
        self.strict = strict
        self.base = ""  # the server's own address, once it runs
        self.changed = on_change
        self.users = {user.id: user for user in users}
        self.groups = {group.id: group for group in groups}
        self.channels = {channel.id: channel for channel in channels}
        self.files: dict[str, File] = {}
        self.ephemeral: list[Ephemeral] = []
        self.modals: dict[str, Modal] = {}  # oldest first: the last one of a person is on top
        self.triggers: dict[str, Trigger] = {}
        self.response_urls: dict[str, ResponseUrl] = {}
        self._last_ts = 0
        self._count = itertools.count(1)

    # ------------------------------------------------------------------------------- ids
    def fresh(self, prefix: str) -> str:
        return f"{prefix}{next(self._count):05d}"

    def next_ts(self) -> str:
        """Return Slack's idea of now, later than every ts before it."""
        micros = int(self.now().timestamp() * 1_000_000)
        self._last_ts = max(micros, self._last_ts + 1)
        return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"

    def new_trigger(self, user: str) -> str:
        self.triggers = _alive(self.triggers, self.monotonic())
        key = self.fresh("trigger.")
        self.triggers[key] = Trigger(user, self.monotonic() + TRIGGER_LIFE.total_seconds())
        return key

    def use_trigger(self, key: str) -> str:
        """Return whose click KEY is and wear it out; Refused when unknown, late or used."""
        trigger = self.triggers.get(key)
        if trigger is None:
            raise Refused("invalid_trigger_id")
        if trigger.used:
            raise Refused("exchanged_trigger_id")
        if self.monotonic() > trigger.until:
            raise Refused("expired_trigger_id")
        trigger.used = True
        return trigger.user

    # ---------------------------------------------------------------------------- look up
    def user(self, user: str) -> User:
        """Return the person USER; outside strict mode an unknown id becomes a new person."""
        known = self.users.get(user)
        if known is None and not self.strict and user[:1] in {"U", "W"} and user != BOT_USER:
            known = self.users[user] = User(id=user, name=_readable(user, "U0", "W0").title())
            self.changed()
        if known is None:
            raise Refused("user_not_found")
        return known

    def channel(self, channel: str) -> Channel:
        """Return a conversation the bot can see; outside strict mode unknown ids are created."""
        known = self.channels.get(channel)
        if known is None and channel in self.users:
            return self.direct(channel)
        if known is None and not self.strict and channel[:1] in {"C", "G"}:
            known = Channel(id=channel, name=_readable(channel, "C0", "G0"), joined=True)
            self.channels[channel] = known
            self.changed()
        if known is None or (known.private and not known.joined):
            raise Refused("channel_not_found")
        return known

    def direct(self, user: str) -> Channel:
        """Return the direct conversation of the bot and USER."""
        person = self.user(user)
        key = f"D{person.id[1:]}"
        if key not in self.channels:
            self.channels[key] = Channel(
                id=key,
                name=person.name,
                joined=True,
                direct=True,
                members=frozenset({person.id}),
            )
            self.changed()
        return self.channels[key]

    def members(self, channel: Channel) -> list[str]:
        people = self.users if channel.members is None else channel.members
        return sorted(people) + ([BOT_USER] if channel.joined else [])

    def message(self, channel: Channel, ts: str, code: str = "message_not_found") -> Message:
        found = channel.messages.get(ts)
        if found is None or found.deleted:
            raise Refused(code)
        return found

    # --------------------------------------------------------------------------- messages
    def post(self, channel: Channel, message: Message) -> Message:
        """Keep MESSAGE; a reply needs a root that is there."""
        if message.thread_ts is not None:
            root = channel.messages.get(message.thread_ts)
            if root is None:
                raise Refused("thread_not_found")
            message.thread_ts = root.thread_ts or root.ts  # a reply's ts leads to its root
        channel.messages[message.ts] = message
        self.changed()
        return message

    def delete(self, channel: Channel, ts: str) -> None:
        """Delete a message; a root with replies leaves a tombstone, as in Slack."""
        message = self.message(channel, ts)
        if message.thread_ts is None and channel.replies(ts):
            message.deleted = True
            message.text = "This message was deleted."
            message.blocks, message.attachments, message.metadata = [], [], None
        else:
            del channel.messages[ts]
        self.changed()

    def shown(self, message: Message, *, metadata: bool = True) -> Json:
        """Return MESSAGE as Slack gives it back; METADATA false leaves the bare event type."""
        found: Json = {
            "type": "message",
            "user": message.user,
            "ts": message.ts,
            "team": TEAM,
            "text": message.text,
            "blocks": message.blocks,
        }
        if message.deleted:
            found |= {"subtype": "tombstone", "user": "USLACKBOT", "hidden": True}
        elif message.by_bot:
            found |= {"bot_id": BOT, "app_id": APP, "bot_profile": {"id": BOT, "app_id": APP}}
        if message.attachments:
            found["attachments"] = message.attachments
        if message.files:
            found["files"] = [self.files[f].as_slack(self.base) for f in message.files]
        if message.edited_ts:
            found["edited"] = {"user": message.user, "ts": message.edited_ts}
        if message.metadata is not None:
            event_type = {"event_type": message.metadata.get("event_type")}
            found["metadata"] = message.metadata if metadata else event_type
        return found | self._thread_fields(message)

    def _thread_fields(self, message: Message) -> Json:
        channel = self.channels[message.channel]
        if message.thread_ts is not None:
            root = channel.messages.get(message.thread_ts)
            fields: Json = {"thread_ts": message.thread_ts}
            if root is not None:
                fields["parent_user_id"] = root.user
            return fields | ({"subtype": "thread_broadcast"} if message.broadcast else {})
        replies = channel.replies(message.ts)
        if not replies:
            return {}
        people = list(dict.fromkeys(reply.user for reply in replies))
        return {
            "thread_ts": message.ts,
            "reply_count": len(replies),
            "reply_users": people,
            "reply_users_count": len(people),
            "latest_reply": replies[-1].ts,
        }

    def whisper(self, note: Ephemeral) -> Ephemeral:
        self.ephemeral.append(note)
        self.changed()
        return note

    def dismiss(self, user: str, ts: str) -> None:
        """Take an ephemeral message away, as its reader may."""
        self.ephemeral = [e for e in self.ephemeral if (e.user, e.ts) != (user, ts)]
        self.changed()

    # ----------------------------------------------------------------------------- modals
    def stack(self, user: str) -> list[Modal]:
        """Return the views USER has open, the one on top last."""
        return [modal for modal in self.modals.values() if modal.user == user]

    def open_view(self, user: str, view: Json, *, push: bool) -> Modal:
        stack = self.stack(user)
        if push and not stack:
            raise Refused("not_found")
        if len(stack) >= VIEWS_STACKED:
            raise Refused("push_limit_reached")
        if not push:
            self.close_views(user)
        key = self.fresh("V")
        previous = stack[-1] if push else None
        modal = Modal(
            id=key,
            user=user,
            view=view | {"blocks": with_ids(view.get("blocks", []), self.fresh)},
            hash=self.next_ts(),
            root=previous.root if previous else key,
            previous=previous.id if previous else None,
        )
        self.modals[key] = modal
        self.changed()
        return modal

    def replace_view(self, modal: Modal, view: Json) -> Modal:
        modal.view = view | {"blocks": with_ids(view.get("blocks", []), self.fresh)}
        modal.hash = self.next_ts()
        modal.errors = {}
        self.changed()
        return modal

    def close_views(self, user: str, *, only: str | None = None) -> None:
        for modal in self.stack(user):
            if only in {None, modal.id}:
                del self.modals[modal.id]
        self.changed()

    # ---------------------------------------------------------------------- response urls
    def new_response_url(
        self, channel: str, user: str, message_ts: str | None = None, thread_ts: str | None = None
    ) -> str:
        self.response_urls = _alive(self.response_urls, self.monotonic())
        key = self.fresh("R")
        self.response_urls[key] = ResponseUrl(
            channel,
            user,
            self.monotonic() + RESPONSE_LIFE.total_seconds(),
            message_ts,
            thread_ts,
        )
        return f"{self.base}/response/{key}"

    def use_response_url(self, key: str) -> ResponseUrl:
        """Return where KEY leads and take one of its uses; Refused as Slack words it."""
        url = self.response_urls.get(key)
        if url is None:
            raise Refused("invalid_url")
        if self.monotonic() > url.until:
            raise Refused("expired_url")
        if url.left == 0:
            raise Refused("used_url")
        url.left -= 1
        return url


def _alive(keys: dict[str, Worn], now: float) -> dict[str, Worn]:
    """Return KEYS without those that expired an hour ago: a long run must not hoard them."""
    return {key: worn for key, worn in keys.items() if worn.until > now - 3600}


def _readable(key: str, *prefixes: str) -> str:
    """Return a name for an id that came from a client file: C0DEMO becomes demo."""
    for prefix in prefixes:
        key = key.removeprefix(prefix)
    return key.lower().replace("_", "-") or "channel"


def as_ts(value: Any, code: str) -> float | None:
    """Return VALUE as seconds for comparing, None when it was left out; Refused with CODE."""
    if value in {None, ""}:
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        raise Refused(code) from None


def at(ts: str) -> datetime:
    """Return the moment a ts stands for."""
    return datetime.fromtimestamp(float(ts), UTC)
