"""What the listeners need, built once at the start: the store, the desk, the look-up of names."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.desk import Desk, Member
from bot.playbooks import Playbooks
from bot.settings import Settings
from watchers.gist import Gists
from watchers.look import Looker
from watchers.model import Client
from watchers.store import Store

FRESH_FOR = timedelta(minutes=10)


class Directory:
    """Display names and standing of people, asked of Slack at most once in ten minutes."""

    def __init__(self, web: AsyncWebClient) -> None:
        self._web = web
        self._members: dict[str, tuple[datetime, Member]] = {}

    async def member(self, user: str, now: datetime) -> Member:
        """Return who USER is; a member without a name where Slack does not answer."""
        known = self._members.get(user)
        if known is not None and now - known[0] < FRESH_FOR:
            return known[1]
        try:
            answer = await self._web.users_info(user=user)
        except SlackApiError:
            return known[1] if known else Member(id=user, name=user)
        found = answer["user"]
        profile = found.get("profile", {})
        member = Member(
            id=user,
            name=profile.get("display_name") or found.get("real_name") or found.get("name", user),
            guest=bool(found.get("is_restricted") or found.get("is_ultra_restricted")),
            team=str(found.get("team_id", "")),
        )
        self._members[user] = (now, member)
        return member

    async def names(self, users: Iterable[str], now: datetime) -> Mapping[str, str]:
        """Return the display name of each of USERS."""
        return {user: (await self.member(user, now)).name for user in dict.fromkeys(users)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """Handed to every listener; `now` is the clock that the composition root reads."""

    store: Store
    desk: Desk
    looker: Looker
    directory: Directory
    playbooks: Playbooks
    gists: Gists
    settings: Settings
    changed: Callable[[], Awaitable[None]]  # clients or sources were changed by people
    now: Callable[[], datetime]
    wake: Callable[[], None]  # something waits in the outbox
    interval: Callable[[str, str], timedelta | None]  # source, query: between two looks
    at_work: set[asyncio.Task[Any]] = field(default_factory=set)  # listeners that answer later

    @contextmanager
    def working(self) -> Iterator[None]:
        """Have the service wait for the task under way before it stops."""
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("no task is under way")
        self.at_work.add(task)
        try:
            yield
        finally:
            self.at_work.discard(task)

    async def clients_in(self, channel: str, member: Member) -> tuple[Client, ...]:
        """Return the clients that MEMBER may hear of in CHANNEL.

        A client's channel shows that client alone; elsewhere people see the clients they work
        for, and everybody those that list nobody.
        """
        clients = await self.store.clients()
        here = tuple(c for c in clients if c.channel == channel)
        if here:
            return here
        return tuple([c for c in clients if await self.desk.may_see(member, c)])


_SPAN = re.compile(r"^(\d{1,3})\s*(m|min|h|d)$")
_UNITS = {"m": "minutes", "min": "minutes", "h": "hours", "d": "days"}


def span(word: str) -> timedelta | None:
    """Return the time that "30m", "6h" or "2d" means; None for any other word."""
    found = _SPAN.match(word.lower())
    return timedelta(**{_UNITS[found[2]]: int(found[1])}) if found else None
