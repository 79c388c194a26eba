"""Buttons and modals. A listener parses, asks the desk, acknowledges, answers; no more.

The acknowledgement comes after the commit, so that no decision is lost between the two; after it
nothing may raise.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog
from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.respond.async_respond import AsyncRespond
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot import messages
from bot.desk import Answer
from bot.office import Office
from bot.plan import plan_of
from watchers.errors import FenghuoError
from watchers.incidents import Action
from watchers.model import Incident, Quote, Tone

log = structlog.get_logger(__name__)
Json = Mapping[str, Any]
Toned = Sequence[tuple[Quote, Tone]]
COMMIT_WITHIN = 1.5  # seconds; Slack waits three
SLOW = "The database is slow. The message changes as soon as this is saved; else press again."
PRESSES = {
    "ack": Action.ACKNOWLEDGE,
    "reopen": Action.REOPEN,
    "step_done": Action.STEP,
    "rule_apply": Action.APPLY_RULE,
    "rule_undo": Action.UNDO_RULE,
}
MODALS = {"resolve_modal": Action.RESOLVE, "false_alarm_modal": Action.FALSE_ALARM}
OPENERS = {
    "resolve": "resolve_modal",
    "false_alarm": "false_alarm_modal",
    "playbook": "playbook",
    "tones": "tone_modal",
}
TONED = 10  # posts that the window of tones shows


@dataclass(frozen=True, slots=True)
class Value:
    """What a button carries: ids only, never a name or a right."""

    incident: int
    step: str = ""


def read_value(text: str) -> Value | None:
    """Return what the button's value TEXT says; None for another version or anybody's text."""
    try:
        value = json.loads(text)
        if value["v"] != 1:
            return None
        return Value(int(value["inc"]), str(value.get("step", "")))
    except (ValueError, KeyError, TypeError):
        return None


class Buttons:
    """The listeners of everything that can be pressed or sent."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._acting: set[asyncio.Future[Answer]] = set()  # kept, so that none is forgotten

    async def press(self, ack: AsyncAck, body: Json, respond: AsyncRespond) -> None:
        """Acknowledge, reopen, tick a step."""
        pressed = body["actions"][0]
        value = read_value(pressed.get("value", ""))
        if value is None:
            await ack()
            await _say(respond, "This button is from another version. The root is up to date.")
            return
        once = f"{body['user']['id']}:{pressed.get('action_ts')}:{pressed['action_id']}"
        answer = await self._in_time(
            self._act(PRESSES[pressed["action_id"]], value, body["user"]["id"], once=once)
        )
        await ack()
        self._office.wake()
        if answer.note:
            await _say(respond, answer.note)

    async def open(
        self, ack: AsyncAck, body: Json, client: AsyncWebClient, respond: AsyncRespond
    ) -> None:
        """Open the modal that a button stands for: reason, note, or the playbook to read."""
        pressed = body["actions"][0]
        value = read_value(pressed.get("value", ""))
        await ack()
        if value is None:
            return
        try:
            incident = await self._office.store.incident(value.incident)
            view = await self._view(OPENERS[pressed["action_id"]], incident)
            await client.views_open(trigger_id=body["trigger_id"], view=view)
        except (FenghuoError, SlackApiError) as error:
            log.warning("modal not opened", error=type(error).__name__)
            await _say(respond, "The window did not open. Please press again.")

    async def submit(self, ack: AsyncAck, body: Json) -> None:
        """Resolve or call it no crisis, with the reason given in the modal."""
        view = body["view"]
        value = read_value(view.get("private_metadata", ""))
        if value is None:
            await ack(response_action="clear")
            return
        note = messages.modal_note(view["state"]["values"])
        action, user = MODALS[view["callback_id"]], body["user"]["id"]
        await self._answer(ack, self._act(action, value, user, note=note))
        if action is Action.FALSE_ALARM:
            with self._office.working():
                await self._learn(value)

    async def _learn(self, value: Value) -> None:
        """Propose what would have kept a false alarm out; a failure costs a proposal, no more."""
        try:
            await self._office.desk.learn(value.incident, self._office.now())
        except FenghuoError as error:
            log.warning("nothing proposed", error=type(error).__name__)
        self._office.wake()

    async def submit_tones(self, ack: AsyncAck, body: Json) -> None:
        """Keep the tones that a person chose."""
        view = body["view"]
        value = read_value(view.get("private_metadata", ""))
        if value is None:
            await ack(response_action="clear")
            return
        chosen = partial(messages.corrected_tones, view["state"]["values"])
        await self._answer(ack, self._correct(value, body["user"]["id"], chosen))

    async def _answer(self, ack: AsyncAck, acting: Awaitable[Answer]) -> None:
        """Close the window once ACTING is done, or say in it why nothing was."""
        answer = await self._in_time(acting)
        if answer.done or not answer.note:
            await ack()
        else:
            await ack(response_action="update", view=messages.told_modal(answer.note))
        self._office.wake()

    async def ignore(self, ack: AsyncAck) -> None:
        """A link was opened: nothing to do, but Slack wants to hear so."""
        await ack()

    async def _act(
        self, action: Action, value: Value, user: str, *, note: str = "", once: str = ""
    ) -> Answer:
        now = self._office.now()
        if once and not await self._office.store.first_time(once, now=now):
            return Answer(done=False)
        incident = await self._office.store.incident(value.incident)
        people = [p for p in (incident.owner, incident.closed_by) if p]
        member = await self._office.directory.member(user, now)
        return await self._office.desk.act(
            action,
            value.incident,
            member,
            now,
            names=await self._office.directory.names(people, now),
            note=note,
            step=value.step,
        )

    async def _correct(
        self, value: Value, user: str, chosen: Callable[[Sequence[Quote]], Toned]
    ) -> Answer:
        now = self._office.now()
        member = await self._office.directory.member(user, now)
        return await self._office.desk.correct(value.incident, member, now, chosen)

    async def _in_time(self, acting: Awaitable[Answer]) -> Answer:
        """Wait for ACTING as long as Slack lets us; what is under way is never broken off."""
        task = asyncio.ensure_future(acting)
        self._acting.add(task)
        task.add_done_callback(self._acting.discard)
        try:
            return await asyncio.wait_for(asyncio.shield(task), COMMIT_WITHIN)
        except TimeoutError:
            return Answer(done=False, note=SLOW)
        except FenghuoError as error:
            return Answer(done=False, note=str(error))

    async def _view(self, which: str, incident: Incident) -> dict[str, Any]:
        if which == "resolve_modal":
            return messages.resolve_modal(incident)
        if which == "false_alarm_modal":
            return messages.false_alarm_modal(incident)
        if which == "tone_modal":
            quotes = await self._office.desk.posts(incident, self._office.now(), TONED)
            return messages.tone_modal(incident, quotes)
        plan = plan_of(self._office.playbooks, incident.type, incident.severity)
        return messages.playbook_modal(incident, plan)


async def _say(respond: AsyncRespond, text: str) -> None:
    """Tell the presser alone; a note that does not arrive is no harm."""
    try:
        await respond(text, response_type="ephemeral", replace_original=False)
    except (SlackApiError, OSError) as error:
        log.warning("private note not delivered", error=type(error).__name__)


def register(app: AsyncApp, office: Office) -> None:
    """Let APP hear every button and modal; the manifest's interactivity is this and no more."""
    buttons = Buttons(office)
    for action_id in PRESSES:
        app.action(action_id)(buttons.press)
    for action_id in OPENERS:
        app.action(action_id)(buttons.open)
    app.action("open_post")(buttons.ignore)
    for callback_id in MODALS:
        app.view(callback_id)(buttons.submit)
    app.view("tone_modal")(buttons.submit_tones)
