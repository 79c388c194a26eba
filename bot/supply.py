"""The windows of a manager who sets a source up in Slack. Parses, asks, answers; the work is enrol's."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog
from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.respond.async_respond import AsyncRespond
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot import enrol, messages
from bot.messages import Field
from bot.office import Office
from watchers.connector import Setting, SourceRow
from watchers.errors import FenghuoError
from watchers.model import Role
from watchers.sources import SOURCES

log = structlog.get_logger(__name__)
Json = Mapping[str, Any]
ON_THE_MACHINE = frozenset({"provider", "webhook"})  # a file describes them
SETTLED = 0.3  # seconds; an update that overtakes the acknowledgement would be lost under it
SET_BY_OTHERS = ("_BASE_URL", "_URL", "_CANARY", "_CANARY_EVERY")  # not asked for in a window


class Supply:
    """The listeners of these windows. CHANGED is called when a source was set up."""

    def __init__(self, office: Office, changed: Callable[[], Awaitable[None]]) -> None:
        self._office = office
        self._changed = changed

    async def open(
        self, ack: AsyncAck, body: Json, client: AsyncWebClient, respond: AsyncRespond
    ) -> None:
        """Ask which source, if this person may set one up."""
        await ack()
        try:
            if refusal := await self._refusal(body["user"]["id"]):
                await respond(refusal, response_type="ephemeral", replace_original=False)
                return
            given = await self._given()
            rows = [
                (row.name, row.title)
                for row in enrol.open_rows(given)
                if row.name not in ON_THE_MACHINE
            ]
            view = (
                messages.source_choice(rows)
                if rows
                else messages.source_tested("Every source that can be set up here is set up.")
            )
            await client.views_open(trigger_id=body["trigger_id"], view=view)
        except (FenghuoError, SlackApiError, OSError) as error:
            log.warning("window not opened", error=type(error).__name__)
            told = "The window did not open. Please press again."
            await respond(told, response_type="ephemeral", replace_original=False)

    async def choose(self, ack: AsyncAck, body: Json) -> None:
        """Show the terms, the cost and the fields of the source that was chosen."""
        row = _row(messages.chosen_source(body["view"]["state"]["values"]))
        if row is None or await self._refusal(body["user"]["id"]):
            await ack(response_action="clear")
            return
        await ack(response_action="update", view=_form(row, {}))

    async def submit(self, ack: AsyncAck, body: Json, client: AsyncWebClient) -> None:
        """Test what was typed, and keep it if it works; else show the form again, and why."""
        view, user = body["view"], body["user"]["id"]
        row = _row(view.get("private_metadata", ""))
        typed, why = messages.typed_settings(view["state"]["values"])
        if row is None or await self._refusal(user):
            await ack(response_action="clear")
            return
        said = {s.name: enrol.typed_fault(s, typed.get(s.name, "")) for s in row.settings}
        if faults := {name: fault for name, fault in said.items() if fault}:
            await ack(response_action="errors", errors=messages.field_errors(faults))
            return
        testing = messages.source_tested("Testing the connection…", row.title[:24])
        await ack(response_action="update", view=testing)
        with self._office.working():
            try:
                shown = await self._tried(row, typed, why, user)
            except (FenghuoError, OSError) as error:
                log.warning("source not kept", source=row.name, error=type(error).__name__)
                shown = _form(row, typed, fault=f"It was not kept: {error}", why=why)
            await asyncio.sleep(SETTLED)
        try:
            await client.views_update(view_id=view["id"], view=shown)
        except SlackApiError as error:  # the window was closed meanwhile
            log.info("window is gone", error=type(error).__name__)

    async def _tried(
        self, row: SourceRow, typed: Mapping[str, str], why: str, user: str
    ) -> dict[str, Any]:
        """Test what was TYPED and keep it if it works; return the window that says so, or why not."""
        now = self._office.now()
        given = {s.name: typed[s.name] for s in _asked_for(row) if typed.get(s.name)}
        trial = await enrol.try_out(row, given, self._office.settings, now)
        if not trial.outcome.healthy:
            told = f"{trial.outcome}: {trial.detail}".replace("_", " ", 1)
            return _form(row, typed, fault=told, why=why)
        await enrol.keep(self._office.store, row, given, by=user, why=why, now=now)
        await self._changed()
        done = f"{row.title} works and is watched from now on. {trial.detail}"
        return messages.source_tested(done, row.title[:24])

    async def _refusal(self, user: str) -> str:
        """Say why USER may not set sources up; empty: they may."""
        member = await self._office.directory.member(user, self._office.now())
        people = [p for c in await self._office.store.clients() for p in c.people]
        managers = list(dict.fromkeys(p.slack for p in people if p.role is Role.MANAGER))
        if managers and user not in managers:
            names = ", ".join(f"<@{slack}>" for slack in managers)
            return f"Sources are set up by a manager: {names}."
        if member.guest or (not managers and people and user not in {p.slack for p in people}):
            return "Sources are set up by a manager, and none is listed: ask whoever runs fenghuo."
        return ""

    async def _given(self) -> Mapping[str, str]:
        settings = self._office.settings
        by_hand = await self._office.store.source_settings()
        return dict(by_hand) | dict(settings.environment)


def _row(name: str) -> SourceRow | None:
    """Return the source NAME, if it may be set up here."""
    return None if name in ON_THE_MACHINE else SOURCES.get(name)


def _asked_for(row: SourceRow) -> list[Setting]:
    """Return the settings that the window asks for."""
    return [s for s in row.settings if s.required or not s.name.endswith(SET_BY_OTHERS)]


def _form(
    row: SourceRow, typed: Mapping[str, str], *, fault: str = "", why: str = ""
) -> dict[str, Any]:
    fields = [
        Field(
            name=s.name,
            meaning=s.meaning,
            default=s.default,
            required=s.required,
            secret=s.secret,
            value=typed.get(s.name, ""),
        )
        for s in _asked_for(row)
    ]
    return messages.source_form(
        (row.name, row.title), row.terms, row.cost, fields, fault=fault, why=why
    )


def register(app: AsyncApp, office: Office, changed: Callable[[], Awaitable[None]]) -> None:
    """Let APP hear these windows."""
    supply = Supply(office, changed)
    app.action("source_add")(supply.open)
    app.view("source_choice")(supply.choose)
    app.view("source_form")(supply.submit)
