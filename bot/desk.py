"""What people do to incidents. Slash command, button and modal all come here.

Permission is checked here and now; then the change is a compare-and-set on the incident, so that
of two who press at once one wins and the other is told who did.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from watchers.errors import NoSuchRow, StaleIncident
from watchers.incidents import Action, advance, proposed
from watchers.model import Client, Incident, Quote, Reason, Role, RuleChange, State, Tone
from watchers.proposals import applied, propose, undone
from watchers.store import Store

TRIES = 4
BEFORE = timedelta(hours=2)  # posts this long before an incident of which no first post is known
CORRECTABLE = 500  # posts of an incident among which a window's are found again
LEARNT_FROM = 500  # posts of an incident
TRIED_ON = timedelta(days=30)
RULES = frozenset({Action.APPLY_RULE, Action.UNDO_RULE})
RULERS = frozenset({Role.ACCOUNT_LEAD, Role.MANAGER})
APPROVERS = frozenset({Role.LEGAL, Role.CLIENT_COMMS, Role.ACCOUNT_LEAD, Role.MANAGER})


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """Who pressed, as Slack tells it."""

    id: str
    name: str
    guest: bool = False
    team: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of it: `done` when the incident changed; `note` is for that person alone."""

    done: bool
    incident: Incident | None = None
    note: str = ""


class Desk:
    """The use cases of people, over the real store."""

    def __init__(
        self,
        store: Store,
        *,
        team: str = "",
        companions: Sequence[str] = (),
        changed: Callable[[], Awaitable[None]],
    ) -> None:
        """COMPANIONS are the strong risk terms; CHANGED is called when a client's words changed."""
        self._store = store
        self._companions = companions
        self._changed = changed
        self._team = team  # the workspace; others (shared channels) may look, not act

    async def act(
        self,
        action: Action,
        number: int,
        member: Member,
        now: datetime,
        *,
        names: Mapping[str, str],
        note: str = "",
        step: str = "",
    ) -> Answer:
        """Do ACTION for MEMBER; NAMES are display names by id, for the one who came too late."""
        for _ in range(TRIES):
            try:
                incident = await self._store.incident(number)
            except NoSuchRow:
                return Answer(done=False, note=f"There is no INC-{number} any more.")
            client = await self._client(incident)
            refusal = self._refusal(member, client, incident, action, step)
            if refusal is not None:
                await self._store.audit(
                    who=member.id,
                    what=f"refused: {action}",
                    now=now,
                    client=incident.client,
                    incident=number,
                    detail=refusal,
                )
                return Answer(done=False, incident=incident, note=refusal)
            decision = advance(incident, action, member.id, now, note=note, step=step)
            if action in RULES and decision.incident is not None and client is not None:
                await self._change_words(client, decision.incident, member, now)
            if decision.reason is Reason.NOTHING:
                return Answer(
                    done=False, incident=incident, note=_too_late(incident, member, names, now)
                )
            try:
                kept = await self._store.commit(decision, now=now, expect=incident.rev)
            except StaleIncident:
                continue  # the machine or somebody else was quicker: judge the present state
            await self._store.audit(
                who=member.id,
                what=str(action),
                now=now,
                client=incident.client,
                incident=number,
                detail=note or step,
            )
            return Answer(done=True, incident=kept)
        return Answer(done=False, note="Not saved: the incident changes too fast. Try again.")

    async def posts(self, incident: Incident, now: datetime, limit: int) -> tuple[Quote, ...]:
        """Return INCIDENT's stored posts, most seen first, LIMIT at most."""
        start = incident.first_post_at or incident.opened_at - BEFORE
        types = (incident.type,) if incident.type else ()
        return await self._store.quotes(incident.client, start, now, limit=limit, types=types)

    async def correct(
        self,
        number: int,
        member: Member,
        now: datetime,
        chosen: Callable[[Sequence[Quote]], Sequence[tuple[Quote, Tone]]],
    ) -> Answer:
        """Keep the tones that CHOSEN finds changed among the incident's posts, and tell the thread.

        A person's word wins over the model's, for figures and for training.
        """
        try:
            incident = await self._store.incident(number)
        except NoSuchRow:
            return Answer(done=False, note=f"There is no INC-{number} any more.")
        changed = chosen(await self.posts(incident, now, CORRECTABLE))
        if not changed:
            return Answer(done=True, incident=incident)
        refusal = self._refusal(
            member, await self._client(incident), incident, Action.TONE, step=""
        )
        if refusal is not None:
            return Answer(done=False, incident=incident, note=refusal)
        for quote, tone in changed:
            await self._store.correct(quote.source, quote.post_id, tone, by=member.id, now=now)
        return await self.act(Action.TONE, number, member, now, names={}, note=_turns(changed))

    async def learn(self, number: int, now: datetime) -> None:
        """Propose a change of words that would have kept the false alarm NUMBER out, if any."""
        incident = await self._store.incident(number)
        client = await self._client(incident)
        if client is None or incident.state is not State.FALSE_ALARM:
            return
        false = await self.posts(incident, incident.closed_at or now, LEARNT_FROM)
        good = [
            quote
            for other in await self._store.incidents(clients=[client.id], limit=50)
            if other.state in (State.ACKNOWLEDGED, State.RESOLVED)
            and other.opened_at >= now - TRIED_ON
            for quote in await self.posts(other, other.closed_at or now, LEARNT_FROM)
        ]
        found = await asyncio.to_thread(
            propose, client, [q.text for q in false], [q.text for q in good], self._companions
        )
        if found is None:
            return
        rule = RuleChange(
            change=found.change,
            phrase=found.phrase,
            false=found.false,
            removes=len(found.removes),
            confirmed=len(good),
            loses=len(found.loses),
            lost=tuple(good[place].url for place in found.loses[:5]),
        )
        fresh = await self._store.incident(number)
        await self._store.commit(proposed(fresh, rule, now), now=now, expect=fresh.rev)

    async def _change_words(
        self, client: Client, after: Incident, member: Member, now: datetime
    ) -> None:
        """Keep CLIENT with the rule of AFTER, or without it, and let it be live."""
        rule = after.rule
        if rule is None:
            return
        change = applied if rule.applied else undone
        kept = change(client, rule.change, rule.phrase)
        await self._store.save_clients([kept], by=member.id, now=now)
        await self._changed()

    async def may_see(self, member: Member, client: Client) -> bool:
        """Whether MEMBER may read CLIENT's incidents: listed people, or members where none is."""
        return self._stranger(member) is None and (
            not client.people or any(p.slack == member.id for p in client.people)
        )

    async def _client(self, incident: Incident) -> Client | None:
        return next((c for c in await self._store.clients() if c.id == incident.client), None)

    def _stranger(self, member: Member) -> str | None:
        if self._team and member.team and member.team != self._team:
            return "You are in another workspace: you can read this, its own team acts on it."
        return None

    def _refusal(
        self,
        member: Member,
        client: Client | None,
        incident: Incident,
        action: Action,
        step: str,
    ) -> str | None:
        """Why MEMBER may not do this, and who may; None if they may."""
        stranger = self._stranger(member)
        if stranger is not None:
            return stranger
        people = client.people if client else ()
        role = next((p.role for p in people if p.slack == member.id), None)
        who = ", ".join(f"<@{p.slack}>" for p in people if p.role is not Role.VIEWER)
        ask = f" Ask {who}." if who else ""
        if action in RULES and people and role not in RULERS:
            rulers = ", ".join(f"<@{p.slack}>" for p in people if p.role in RULERS)
            return (
                f"A rule is changed by the account lead or a manager: {rulers or 'none is listed'}."
            )
        if role is None and (people or member.guest):
            return f"You are not on this client's list, so you cannot {_WORDS[action]}.{ask}"
        if role is Role.VIEWER:
            return f"You may read this client's incidents, not {_WORDS[action]}.{ask}"
        gated = any(s.id == step and s.gate and s.done_at is None for s in incident.steps)
        if action is Action.STEP and gated and people and role not in APPROVERS:
            approvers = ", ".join(f"<@{p.slack}>" for p in people if p.role in APPROVERS)
            return (
                f"This step needs an approval first: {approvers or 'nobody is listed'} may tick it."
            )
        return None


_WORDS = {
    Action.ACKNOWLEDGE: "take it",
    Action.RESOLVE: "resolve it",
    Action.FALSE_ALARM: "call it no crisis",
    Action.REOPEN: "open it again",
    Action.STEP: "tick its steps",
    Action.TONE: "correct its posts",
    Action.APPLY_RULE: "change its words",
    Action.UNDO_RULE: "change its words",
}


def _turns(changed: Sequence[tuple[Quote, Tone]]) -> str:
    """Return "3 posts (negative → neutral 2, unsure → negative 1)"."""
    counted = Counter((quote.tone, tone) for quote, tone in changed)
    parts = ", ".join(f"{old} → {new} {n}" for (old, new), n in counted.most_common())
    return f"{len(changed)} post{'s' if len(changed) > 1 else ''} ({parts})"


def _too_late(incident: Incident, member: Member, names: Mapping[str, str], now: datetime) -> str:
    """One polite sentence for a press that changes nothing; empty for the same person twice."""
    if incident.state is State.ACKNOWLEDGED:
        if incident.owner == member.id:
            return ""
        owner = names.get(incident.owner or "", incident.owner or "Somebody")
        return f"{owner} took this {_ago(now - (incident.acknowledged_at or now))} ago. Thank you!"
    if incident.state.closed:
        if incident.closed_by == member.id:
            return ""
        closer = names.get(incident.closed_by or "", incident.closed_by or "Somebody")
        return f"{closer} closed this {_ago(now - (incident.closed_at or now))} ago."
    return "That makes no sense any more: the message has changed meanwhile."


def _ago(span: timedelta) -> str:
    seconds = max(int(span.total_seconds()), 0)
    if seconds < 90:
        return f"{seconds} s"
    return f"{seconds // 60} min" if seconds < 7200 else f"{seconds // 3600} h"
