"""From the outbox to Slack: what the store says is unsent is sent, in practice once.

claim -> place -> render -> call -> sent; what fails goes by `bot.outcomes`, what is unclear is
looked for in Slack before it is sent again. Nothing here decides what is told, or to whom.
A row's `key` travels in the message's metadata (ids only: any member may read it), and is how a
message is found again. Trouble with Slack is logged and kept in `Deliver.trouble`; only trouble
with one message or channel is told in Slack, once, in the operators' channel.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from bot.marks import Found, Spot, filename, find, metadata, revision
from bot.outcomes import TROUBLES, Outcome, Reaction, judge
from watchers.errors import StoreError
from watchers.model import Alert, AlertKind, Decision, Reason
from watchers.store import OutboxRow, Store

log = structlog.get_logger(__name__)

POST_EVERY = timedelta(seconds=1)  # in one channel; Slack promises no more
EDIT_EVERY = timedelta(seconds=1.2)  # in the whole workspace: chat.update is tier 3, 50 a minute
CALL_TIMEOUT = 10  # s
LOOK_AFTER = tuple(timedelta(seconds=s) for s in (2, 5, 15))  # before each look for a message
UNREADABLE = timedelta(seconds=60)  # then what cannot be looked for is sent again
DEAD_AFTER = timedelta(minutes=2)  # a claim this old belongs to a process that died
RECHECK_TOKEN = timedelta(minutes=5)
BACK_OFF = tuple(timedelta(seconds=s) for s in (2, 5, 15, 30, 60))
IDLE = 1.0  # s between two looks at the outbox where nobody wakes us
AT_ONCE = 20  # rows in flight
LOOK = "look"  # the task that looks for what may have been sent

Block = Mapping[str, object]


class Rendered(Protocol):
    """A message as Slack takes it; `text` alone makes sense (bot.messages.Message)."""

    @property
    def text(self) -> str: ...
    @property
    def blocks(self) -> Sequence[Block]: ...


Render = Callable[[OutboxRow, datetime], Awaitable[Rendered]]


@dataclass(frozen=True, slots=True)
class Picture:
    """What a render gives for a CHART row; `text` describes the picture and can stand for it."""

    text: str
    png: bytes
    blocks: Sequence[Block] = ()  # shown where pictures are not taken


@dataclass(frozen=True, slots=True)
class Form:
    """One of the forms a message can be sent in: as meant, plainer, plainest."""

    text: str
    blocks: Sequence[Block] = ()
    marked: bool = True  # carries metadata
    png: bytes | None = None


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why nothing is sent at present; for the health page, never for Slack."""

    code: str
    since: datetime


@dataclass(slots=True)
class Pacer:
    """Slots of a lane, one every so often, and how long a lane is held after a 429."""

    slots: dict[str, datetime] = field(default_factory=dict)
    holds: dict[str, datetime] = field(default_factory=dict)

    def take(self, lane: str, now: datetime, every: timedelta) -> timedelta:
        """Take the next slot of LANE and return how long to wait for it."""
        at = max(now, self.slots.get(lane, now))
        self.slots[lane] = at + every
        return at - now

    def hold(self, lane: str, until: datetime) -> None:
        self.holds[lane] = max(until, self.holds.get(lane, until))

    def held(self, lane: str, now: datetime) -> datetime | None:
        """Return until when LANE is held; None: it is free."""
        until = self.holds.get(lane)
        return until if until is not None and until > now else None


def sending_client(token: str, base_url: str) -> AsyncWebClient:
    """Return a client that tries once: the SDK's own retries post twice (its default list)."""
    return AsyncWebClient(token=token, base_url=base_url, timeout=CALL_TIMEOUT, retry_handlers=[])


class Deliver:
    """The sender; several may run on one store.

    CLIENT tries once (`sending_client`). OPERATORS: the channel for what cannot go where it
    belongs; None: that is only logged. BOT_ID is ours by auth.test. SLEEP takes seconds.
    """

    def __init__(
        self,
        store: Store,
        client: AsyncWebClient,
        render: Render,
        *,
        operators: str | None,
        now: Callable[[], datetime],
        bot_id: str,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.trouble: Trouble | None = None
        self._store = store
        self._client = client
        self._render = render
        self._operators = operators
        self._now = now
        self._sleep = sleep
        self._pacer = Pacer()
        self._bot_id = bot_id
        self._looks: dict[int, int] = {}  # row -> how often it was looked for
        self._unreadable: dict[int, datetime] = {}  # row -> since when it cannot be looked for
        self._checked_at: datetime | None = None
        self._recovered_at: datetime | None = None
        self._moving = asyncio.Lock()
        self._woken = asyncio.Event()
        self._running: set[asyncio.Task[None]] = set()

    # -------------------------------------------------------------------------------- the loop
    def wake(self) -> None:
        """Look at the outbox at once: something was just committed."""
        self._woken.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Deliver until STOP is set, then finish what is being sent."""
        stopping = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                self._woken.clear()
                if not await self._round():
                    await self._rest(stopping)
        finally:
            stopping.cancel()
            await asyncio.gather(*self._running, return_exceptions=True)

    async def run_once(self, now: datetime) -> int:
        """Deliver what is due at NOW and wait for it; return how many rows were claimed."""
        if not await self._may_send(now):
            return 0
        await self._recover(now)
        await self._reconcile(now)
        rows = await self._store.claim(now, limit=AT_ONCE)
        await asyncio.gather(*(self._deliver(row) for row in rows))
        return len(rows)

    async def _round(self) -> int:
        """Start what is due and return how many that was, without waiting for slow channels."""
        now = self._now()
        try:
            if not await self._may_send(now):
                return 0
            await self._recover(now)
            self._start(self._reconcile(now), LOOK)
            free = AT_ONCE - len(self._running)
            rows = await self._store.claim(now, limit=free) if free > 0 else ()
        except StoreError as error:
            log.warning("outbox not readable", error=type(error).__name__)
            return 0
        for row in rows:
            self._start(self._deliver(row), f"row {row.id}")
        return len(rows)

    def _start(self, work: Coroutine[None, None, None], name: str) -> None:
        """Start WORK beside the loop, unless that of this NAME still goes on."""
        if any(task.get_name() == name for task in self._running):
            work.close()
            return
        task = asyncio.create_task(work, name=name)
        self._running.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if task.get_name() != LOOK:
            self._woken.set()  # the next of its channel may go
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("delivery failed", exc_info=error)  # the row stays claimed: see DEAD_AFTER

    async def _rest(self, stopping: asyncio.Task[bool]) -> None:
        woken = asyncio.create_task(self._woken.wait())
        await asyncio.wait({woken, stopping}, timeout=IDLE, return_when=asyncio.FIRST_COMPLETED)
        woken.cancel()

    async def _recover(self, now: datetime) -> None:
        """Find the rows that a process which died had claimed."""
        if self._recovered_at is None or now - self._recovered_at >= DEAD_AFTER / 2:
            self._recovered_at = now
            await self._store.recover(older_than=now - DEAD_AFTER, now=now)

    async def _may_send(self, now: datetime) -> bool:
        """Return whether the token is good as far as we know; a bad one is tried now and then."""
        if self._checked_at is None:
            return True
        if now - self._checked_at < RECHECK_TOKEN:
            return False
        self._checked_at = now
        try:
            await self._client.auth_test()
        except TROUBLES as error:
            log.warning("token still refused", code=judge(error).code)
            return False
        self._checked_at = None
        self.trouble = None
        return True

    # ------------------------------------------------------------------------------- one row
    async def _deliver(self, row: OutboxRow) -> None:
        spot = await self._spot(row)
        if spot is None:
            await self._store.put_off(
                row.id, self._now() + BACK_OFF[0], "no root yet", now=self._now()
            )
            return
        held = self._pacer.held(spot.lane, self._now())
        if held is not None:
            await self._store.put_off(row.id, held, row.error or "held", now=self._now())
            return
        await self._send(row, spot, await self._forms(row))

    async def _spot(self, row: OutboxRow) -> Spot | None:
        """Return where ROW goes; None: its thread has no root yet."""
        if row.incident is None or row.kind in (AlertKind.PRIVATE, AlertKind.NOTICE):
            return Spot(row.channel)
        root = await self._store.root_ts(row.incident)
        if row.kind is AlertKind.ROOT:
            return Spot(root[0], edit=root[1]) if root is not None else Spot(row.channel)
        kept = row.kind in (AlertKind.PLAYBOOK, AlertKind.RULE)
        if kept and row.ts is not None and root is not None:
            return Spot(root[0], edit=row.ts)  # one message, edited in place
        return Spot(root[0], thread=root[1]) if root is not None else None

    async def _forms(self, row: OutboxRow) -> list[Form]:
        """Return the forms to try in turn; a message that cannot be built is sent as plain words."""
        try:
            message = await self._render(row, self._now())
        except StoreError:
            raise
        except Exception:  # a fault of ours: the message goes out ugly, but is not lost
            log.exception("message could not be built", key=row.key)
            words = _escaped(row.alert.text or f"Fenghuo: {row.key}")
            return [Form(words), Form(words, marked=False)]
        whole = Form(message.text, message.blocks)
        forms = [whole, _plain(message), Form(message.text, marked=False)]
        if isinstance(message, Picture):
            return [replace(whole, png=message.png), *forms]
        return forms

    async def _send(self, row: OutboxRow, spot: Spot, forms: Sequence[Form]) -> None:
        for form in forms:
            every = EDIT_EVERY if spot.edit else POST_EVERY
            wait = self._pacer.take(spot.lane, self._now(), every)
            if wait:
                await self._sleep(wait.total_seconds())
            try:
                ts = await self._call(row, spot, form)
            except TROUBLES as error:
                outcome = judge(error)
                log.warning("not sent", key=row.key, code=outcome.code, does=outcome.reaction)
                if outcome.reaction is not Reaction.REFUSED or form is forms[-1]:
                    await self._react(row, spot, outcome, forms)
                    return
                await self._tell(row, *_refused(row, outcome, form))
            else:
                await self._sent(row, spot, ts, row.want_rev)
                return

    async def _call(self, row: OutboxRow, spot: Spot, form: Form) -> str:
        """Send FORM and return its ts (of a picture, which has none at first, the file's id)."""
        if form.png is not None:
            return await self._upload(row, spot, form)
        blocks = [dict(block) for block in form.blocks]
        mark = metadata(row) if form.marked else None
        if spot.edit is not None:
            answer = await self._client.chat_update(
                channel=spot.channel,
                ts=spot.edit,
                text=form.text,
                blocks=blocks,
                metadata=mark,
                parse="none",
            )
        else:
            answer = await self._client.chat_postMessage(
                channel=spot.channel,
                text=form.text,
                blocks=blocks,
                metadata=mark,
                parse="none",
                thread_ts=spot.thread,
                reply_broadcast=True if spot.thread and row.alert.broadcast else None,
                unfurl_links=False,
                unfurl_media=False,
            )
        return str(answer["ts"])

    async def _upload(self, row: OutboxRow, spot: Spot, form: Form) -> str:
        answer = await self._client.files_upload_v2(
            channel=spot.channel,
            thread_ts=spot.thread,
            content=form.png,
            filename=filename(row),
            title=form.text,
            alt_txt=form.text,
        )
        return str(answer["files"][0]["id"])

    async def _sent(self, row: OutboxRow, spot: Spot, ts: str, rev: int) -> None:
        self.trouble = None
        await self._store.sent(row.id, ts, rev=rev, now=self._now())
        if row.kind is AlertKind.ROOT and spot.channel != row.channel and row.incident is not None:
            await self._store.adopt_root(row.incident, spot.channel, ts, now=self._now())

    # ---------------------------------------------------------------------- what went wrong
    async def _react(
        self, row: OutboxRow, spot: Spot, outcome: Outcome, forms: Sequence[Form]
    ) -> None:
        now = self._now()
        match outcome.reaction:
            case Reaction.WAIT:
                until = now + (outcome.wait or BACK_OFF[-1])
                self._pacer.hold(spot.lane, until)
                await self._store.put_off(row.id, until, outcome.code, now=now)
            case Reaction.NOT_SENT:
                self._blame(outcome)
                await self._store.put_off(row.id, now + _back_off(row), outcome.code, now=now)
            case Reaction.PAUSE:
                self._blame(outcome)
                self._checked_at = now
                await self._store.put_off(row.id, now, outcome.code, now=now)
            case Reaction.UNCLEAR if spot.edit is not None:  # an edit may be repeated
                self._blame(outcome)
                await self._store.put_off(row.id, now + _back_off(row), outcome.code, now=now)
            case Reaction.UNCLEAR:
                self._blame(outcome)
                await self._store.unclear(row.id, now + LOOK_AFTER[0], outcome.code, now=now)
            case Reaction.GONE:
                await self._anew(row, spot, outcome, forms, f"root-lost:{row.incident}")
            case Reaction.CHANNEL:
                key = f"root-moved:{row.incident}:{spot.channel}"
                await self._anew(row, spot, outcome, forms, key)
            case Reaction.REFUSED:
                await self._give_up(row, outcome)

    def _blame(self, outcome: Outcome) -> None:
        """Keep since when Slack does not answer us; the next message that is sent ends it."""
        if self.trouble is None:
            self.trouble = Trouble(outcome.code, self._now())

    async def _anew(
        self, row: OutboxRow, spot: Spot, outcome: Outcome, forms: Sequence[Form], key: str
    ) -> None:
        """Have the root posted anew, once for each KEY, and let ROW wait for it.

        A second time (people deleted it again), or outside of a thread: to the operators' channel.
        """
        if row.incident is not None and spot.root is not None:
            async with self._moving:  # an edit and a reply may find out at the same time
                root = await self._store.root_ts(row.incident)
                anew = root == (spot.channel, spot.root)
                if anew and await self._store.first_time(key, now=self._now()):
                    await self._store.lose_root(row.incident, now=self._now())
                    anew = False
            if not anew:
                if row.kind is not AlertKind.ROOT:
                    until = self._now() + BACK_OFF[0]
                    await self._store.put_off(row.id, until, outcome.code, now=self._now())
                return
        if outcome.reaction is Reaction.GONE and spot.edit is not None:
            await self._give_up(row, outcome)  # deleted twice: people want it gone
            return
        await self._elsewhere(row, spot, outcome, forms)

    async def _elsewhere(
        self, row: OutboxRow, spot: Spot, outcome: Outcome, forms: Sequence[Form]
    ) -> None:
        """Send ROW to the operators' channel and say where it belongs; what is private is not."""
        private = row.kind is AlertKind.PRIVATE
        if private or self._operators is None or spot == Spot(self._operators):
            await self._give_up(row, outcome)
            return
        note = f"⚠️ For <#{spot.channel}>, where Slack does not take it ({outcome.code})."
        block = {
            "type": "context",
            "elements": [{"type": "mrkdwn", "text": note, "verbatim": True}],
        }
        noted = [
            replace(
                form,
                text=f"{note}\n{form.text}",
                blocks=[block, *form.blocks] if form.blocks else (),
            )
            for form in forms
        ]
        await self._send(row, Spot(self._operators), noted)

    async def _give_up(self, row: OutboxRow, outcome: Outcome) -> None:
        await self._store.give_up(row.id, outcome.code, now=self._now())
        log.error("given up", key=row.key, code=outcome.code)
        words = "" if row.kind is AlertKind.PRIVATE else row.alert.text
        text = f"{row.key} could not be posted to {row.channel} ({outcome.code}). {words}".strip()
        await self._tell(row, f"failed:{row.key}", text)

    async def _tell(self, row: OutboxRow, key: str, text: str) -> None:
        """Put a notice about ROW for the operators into the outbox; the same KEY is told once."""
        if self._operators is None or row.kind is AlertKind.NOTICE:
            return  # a notice about a notice could go on for ever
        alert = Alert(key=key, kind=AlertKind.NOTICE, channel=self._operators, text=text)
        await self._store.commit(Decision(reason=Reason.NOTHING, alerts=(alert,)), now=self._now())

    # ------------------------------------------------------------------- what became of it
    async def _reconcile(self, now: datetime) -> None:
        """Look in Slack for what may have been sent, before it is sent again."""
        for row in await self._store.unknown(now):
            try:
                await self._look(row, now)
            except TROUBLES as error:
                await self._unread(row, judge(error), now)

    async def _look(self, row: OutboxRow, now: datetime) -> None:
        spot = await self._spot(row)
        if spot is None or spot.edit is not None:  # an edit may be repeated
            await self._again(row, now)
            return
        places = [spot]
        if self._operators is not None and spot != Spot(self._operators):
            places.append(Spot(self._operators))  # what found no place where it belongs
        since = row.first_try_at or now
        for place in places:
            found = await find(self._client, self._bot_id, row, place, since)
            if found:
                await self._adopt(row, place, found)
                return
        looks = self._looks.get(row.id, 0) + 1
        if looks < len(LOOK_AFTER):
            self._looks[row.id] = looks
            until = now + LOOK_AFTER[looks]
            await self._store.unclear(row.id, until, row.error or "not found", now=now)
        else:
            await self._again(row, now)

    async def _again(self, row: OutboxRow, now: datetime) -> None:
        self._looks.pop(row.id, None)
        self._unreadable.pop(row.id, None)
        await self._store.resend(row.id, now=now)

    async def _unread(self, row: OutboxRow, outcome: Outcome, now: datetime) -> None:
        """Slack does not let us look: try again later, or send again after UNREADABLE.

        A doubled crisis alert is a nuisance, a lost one is a failure.
        """
        if outcome.reaction is Reaction.PAUSE:
            self._blame(outcome)
            self._checked_at = now
        elif outcome.reaction in (Reaction.CHANNEL, Reaction.GONE, Reaction.REFUSED):
            since = self._unreadable.setdefault(row.id, now)
            if now - since >= UNREADABLE:
                await self._again(row, now)
                return
            text = f"Cannot read {row.channel} ({outcome.code}): messages there may come twice."
            await self._tell(row, f"unreadable:{row.channel}", text)
        until = now + (outcome.wait or LOOK_AFTER[-1])
        await self._store.unclear(row.id, until, outcome.code, now=now)

    async def _adopt(self, row: OutboxRow, spot: Spot, found: Sequence[Found]) -> None:
        """Take the one people answered to, else the first; delete the others."""
        chosen = next((message for message in found if message.get("reply_count")), found[0])
        self._looks.pop(row.id, None)
        rev = revision(chosen) if row.kind is AlertKind.ROOT else row.want_rev  # only roots change
        await self._sent(row, spot, str(chosen["ts"]), rev)
        for twin in found:
            if twin is not chosen:
                try:
                    await self._client.chat_delete(channel=spot.channel, ts=str(twin["ts"]))
                except TROUBLES as error:
                    log.warning("twin not deleted", key=row.key, code=judge(error).code)


# ------------------------------------------------------------------------------------ pure parts
def _back_off(row: OutboxRow) -> timedelta:
    return BACK_OFF[min(max(row.attempts - 1, 0), len(BACK_OFF) - 1)]


def _escaped(text: str) -> str:
    """Make TEXT literal in a message's `text`; Slack knows these three and no others."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _plain(message: Rendered) -> Form:
    """One section of words, and the buttons, which are what people need most."""
    text = {"type": "mrkdwn", "text": message.text[:2_800] or "…", "verbatim": True}
    words = {"type": "section", "text": text}
    buttons = [block for block in message.blocks if block.get("type") == "actions"]
    return Form(message.text, [words, *buttons])


def _refused(row: OutboxRow, outcome: Outcome, form: Form) -> tuple[str, str]:
    """Return key and words of the notice that a form was refused; pictures are told of once."""
    if form.png is not None:
        text = f"Slack takes no pictures from us ({outcome.code}); charts are sent as words."
        return f"refused:pictures:{outcome.code}", text
    text = f"Slack refused the form of {row.key} ({outcome.code}); it is sent in a plainer one."
    return f"refused:{row.key}", text
