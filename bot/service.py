"""The service as one object: everything real is built here, started in order, stopped in reverse.

`fenghuo run`, the demo and the story tests all build it; what differs is the settings, the clock
and, without a Slack token, that the stand-in is started first and spoken to instead.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from aiohttp import ClientError
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

from bot import playbooks as books
from bot.app import HttpFront, build_app
from bot.deliver import Deliver, sending_client
from bot.desk import Desk
from bot.enrol import effective
from bot.office import Directory, Office
from bot.playbooks import Playbooks
from bot.preview import Preview
from bot.render import Renderer
from bot.settings import Settings
from watchers import translator
from watchers.clients import changes
from watchers.errors import BadSetting, FenghuoError
from watchers.evidence import Gatherer
from watchers.gist import Gists, Glosser
from watchers.http import Http, Secret
from watchers.inbox import Inbox
from watchers.look import Looker
from watchers.model import Alert, AlertKind, Client, Decision, Reason
from watchers.round import Rounds
from watchers.schedule import KEEP_WATCH, TICK, Schedule
from watchers.sources import SOURCES, Source, set_up, webhook
from watchers.stages import Stages
from watchers.store import Store
from watchers.tone import ToneModel
from watchers.translator import Translator

log = structlog.get_logger(__name__)
Now = Callable[[], datetime]
SAID_WITHIN = timedelta(days=1)  # the end of a campaign is no news later
ANSWERS_WITHIN = timedelta(seconds=20)  # what people wait for is finished before we stop
REFUSALS = frozenset(  # of a token, for good
    {
        "account_inactive",
        "invalid_auth",
        "missing_scope",
        "not_allowed_token_type",
        "not_authed",
        "token_expired",
        "token_revoked",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What is read from files before anything starts."""

    playbooks: Playbooks
    tone: ToneModel


def read_parts(settings: Settings) -> Parts:
    """Load playbooks and tone model; all that is wrong with them is raised in one error."""
    faults: list[str] = []
    loaded: dict[str, Playbooks | ToneModel] = {}
    readers: Mapping[str, Callable[[], Playbooks | ToneModel]] = {
        "playbooks": lambda: books.load(overrides=settings.playbooks),
        "tone": lambda: ToneModel.load(settings.model),
    }
    for name, reader in readers.items():
        try:
            loaded[name] = reader()
        except FenghuoError as error:
            faults.append(str(error))
    playbooks, tone = loaded.get("playbooks"), loaded.get("tone")
    if not isinstance(playbooks, Playbooks) or not isinstance(tone, ToneModel):
        raise BadSetting("\n".join(faults))
    return Parts(playbooks=playbooks, tone=tone)


async def build_looker(
    settings: Settings, parts: Parts, store: Store, http: Http, now: datetime
) -> Looker:
    """Build what a check needs and no more: no Slack, no schedule."""
    clients = await store.clients()
    types = parts.playbooks.crisis_types()
    play = parts.playbooks.steps_for
    stages = Stages(store, clients=clients, types=types, tone=parts.tone, play=play)
    await stages.restore(now)
    given = effective(settings.environment, await store.source_settings(), settings.data)
    rounds = Rounds(store, stages, set_up(http, given))
    await rounds.plan(clients, now)
    return Looker(store, stages, rounds, Gatherer(store, {t.id: t for t in types}, play))


def translation(settings: Settings) -> translator.Service | None:
    """Return the translation service of SETTINGS; None: none is wanted."""
    wanted = settings.translate
    if wanted is None:
        return None
    return translator.Service(
        kind=wanted.kind,
        url=wanted.url or translator.ADDRESSES[wanted.kind],
        key=Secret(wanted.key),
        model=wanted.model,
    )


class Service:
    """The running bot."""

    def __init__(
        self,
        settings: Settings,
        parts: Parts,
        store: Store,
        http: Http,
        *,
        now: Now,
        preview: Preview | None = None,
        tick: timedelta = TICK,
        keep_watch: timedelta = KEEP_WATCH,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._sleep = sleep  # seconds, between two messages in one channel
        self.settings = settings
        self.store = store
        self.preview = preview
        self.now = now
        self._parts = parts
        self._http = http
        self._tick = tick
        self._keep_watch = keep_watch
        self._stopping = asyncio.Event()
        self._at_work: set[asyncio.Task[Any]] = set()
        self._sender: asyncio.Task[None] | None = None
        self._warming: asyncio.Task[None] | None = None
        self._undo: list[Callable[[], Awaitable[object]]] = []

    async def start(self) -> None:
        """Connect to Slack, take up where the last run left, begin to watch."""
        web = self._web_client()
        team, bot = await self._who_am_i(web)
        self._by_hand = await self.store.source_settings()
        self._given = effective(self.settings.environment, self._by_hand, self.settings.data)
        sources = set_up(self._http, self._given)
        clients = await self.store.clients()
        self._clients = {c.id: c for c in clients}
        types = self._parts.playbooks.crisis_types()
        self.stages = Stages(
            self.store,
            clients=clients,
            types=types,
            tone=self._parts.tone,
            play=self._parts.playbooks.steps_for,
        )
        await self.stages.restore(self.now())
        self.rounds = Rounds(self.store, self.stages, sources, operators=self.settings.operators)
        await self.rounds.plan(clients, self.now())
        await self._open_inbox(sources)
        await self._join(web, clients)
        directory = Directory(web)
        glosser = Glosser()
        gists = Gists(glosser)
        self._warming = asyncio.create_task(gists.warm(), name="gists")
        self.deliver = Deliver(
            self.store,
            sending_client(self._token(), self._api_url()),
            Renderer(
                self.store, directory, self._parts.playbooks, gists, self._translator(glosser)
            ).render,
            operators=self.settings.operators,
            now=self.now,
            bot_id=bot,
            sleep=self._sleep,
        )
        office = self._office(directory, team, gists)
        await self._listen(web, office)
        self._at_work = office.at_work
        self._sender = asyncio.create_task(self.deliver.run(self._stopping), name="deliver")
        self.schedule = Schedule(
            self.rounds,
            now=self.now,
            tick=self._tick,
            keep_watch=self._keep_watch,
            daily=self._purge,
            before=self._heed_changes,
        )
        self.schedule.start()
        self._undo.append(self.schedule.stop)
        log.info("watching", clients=len(clients), sources=sorted(sources))

    async def stop(self) -> None:
        """Stop in reverse: no new rounds, no new sends, the running one finished."""
        self._stopping.set()
        if self._at_work:
            await asyncio.wait(self._at_work, timeout=ANSWERS_WITHIN.total_seconds())
        for undo in reversed(self._undo):
            await undo()
        for task in (self._sender, self._warming):
            if task is not None:
                await task
        await self._http.aclose()
        await self.store.close()

    # ----------------------------------------------------------------------------- parts
    def _web_client(self) -> AsyncWebClient:
        """The client of the listeners: it waits out a 429, which was not executed, and no more."""
        return AsyncWebClient(
            token=self._token(),
            base_url=self._api_url(),
            retry_handlers=[AsyncRateLimitErrorRetryHandler(max_retry_count=2)],
            timeout=10,
        )

    def _token(self) -> str:
        if self.preview is not None:
            return self.preview.bot_token
        return self.settings.bot_token or ""

    def _api_url(self) -> str:
        return self.preview.api_url if self.preview is not None else self.settings.api_url

    async def _who_am_i(self, web: AsyncWebClient) -> tuple[str, str]:
        try:
            answer = await web.auth_test()
        except SlackApiError as error:
            code = error.response.get("error", "no answer")
            mend = "copy the bot token again from the app's page, OAuth & Permissions"
            raise BadSetting(f"Slack refuses SLACK_BOT_TOKEN ({code}): {mend}") from None
        except (ClientError, OSError) as error:
            mend = "check the network, the proxy and SLACK_API_URL"
            raise FenghuoError(f"Slack cannot be reached ({error}): {mend}.") from None
        return str(answer["team_id"]), str(answer.get("bot_id", ""))

    async def _join(self, web: AsyncWebClient, clients: tuple[Client, ...]) -> None:
        """Join every configured channel; say in words which needs an invitation."""
        wanted = {c.channel: f"client {c.id}" for c in clients if c.channel}
        if self.settings.operators:
            wanted[self.settings.operators] = "FENGHUO_OPERATORS_CHANNEL"
        for channel, whose in wanted.items():
            try:
                await web.conversations_join(channel=channel)
            except SlackApiError as error:
                log.warning("cannot join", channel=channel, whose=whose, mend=_join_mend(error))

    async def _open_inbox(self, sources: Mapping[str, Source]) -> None:
        """Take what a provider pushes, where that is set up."""
        source = sources.get(webhook.NAME)
        if not isinstance(source, webhook.Webhook) or hasattr(self, "inbox"):
            return
        source.connect(self.store.delivered)
        self.inbox = Inbox(source, self.store, self.now)
        try:
            await self.inbox.start()
        except OSError as error:
            place = f"WEBHOOK_PORT: port {source.port}"
            raise BadSetting(f"{place}: {error.strerror}; name a free one") from None
        self._undo.append(self.inbox.stop)

    def _translator(self, glosser: Glosser) -> Translator | None:
        service = translation(self.settings)
        if service is None:
            return None
        translator = Translator(
            service,
            self._http,
            self.store,
            glosser,
            now=self.now,
            operators=self.settings.operators,
        )
        self._undo.append(translator.stop)
        return translator

    def _office(self, directory: Directory, team: str, gists: Gists) -> Office:
        gatherer = Gatherer(
            self.store,
            {t.id: t for t in self._parts.playbooks.crisis_types()},
            self._parts.playbooks.steps_for,
        )
        return Office(
            store=self.store,
            desk=Desk(
                self.store,
                team=team,
                companions=sorted(
                    {t for kind in self._parts.playbooks.crisis_types() for t in kind.strong}
                ),
                changed=self.reload,
            ),
            looker=Looker(self.store, self.stages, self.rounds, gatherer),
            directory=directory,
            playbooks=self._parts.playbooks,
            gists=gists,
            settings=self.settings,
            changed=self.reload,
            now=self.now,
            wake=self.deliver.wake,
            interval=self._interval,
        )

    def _interval(self, source: str, query: str) -> timedelta | None:
        return self.schedule.interval(source, query)  # made after those who ask

    async def _listen(self, web: AsyncWebClient, office: Office) -> None:
        app = build_app(web, office, self.settings.signing_secret)
        app_token = self.settings.app_token
        if self.preview is not None:
            app_token = None if self.preview.request_url else self.preview.app_token
        if app_token:
            await self._check_app_token(web, app_token)
            handler = AsyncSocketModeHandler(app, app_token)
            await handler.connect_async()
            self._undo.append(handler.close_async)
        else:
            front = HttpFront(app, self.settings.http_port)
            try:
                await front.start()
            except OSError as error:
                place = f"SLACK_HTTP_PORT: port {self.settings.http_port}"
                raise BadSetting(f"{place}: {error.strerror}; name a free one") from None
            self._undo.append(front.stop)

    async def _check_app_token(self, web: AsyncWebClient, token: str) -> None:
        """Raise BadSetting where Slack refuses the token; Socket Mode would try for ever."""
        if self.preview is not None:
            return
        try:
            await web.apps_connections_open(app_token=token)
        except SlackApiError as error:
            code = error.response.get("error", "no answer")
            if code in REFUSALS:
                mend = "make one with connections:write on the app's page, Basic Information"
                raise BadSetting(f"Slack refuses SLACK_APP_TOKEN ({code}): {mend}") from None

    async def reload(self) -> None:
        """Watch for the clients as they are now kept, from the next round on."""
        await self._heed_changes(self.now())

    async def _heed_changes(self, now: datetime) -> None:
        """See whether the clients were changed, by whatever process, and say so in their channels."""
        await self._heed_sources(now)
        kept = {c.id: c for c in await self.store.clients()}
        for client in kept.values():
            await self._say_campaigns(client, now)
        if kept == self._clients:
            return
        before, self._clients = self._clients, kept
        await self.rounds.plan(kept.values(), now)
        self.schedule.replan()
        for client in kept.values():
            if client != before.get(client.id):
                what = changes(before.get(client.id), client)
                text = (
                    f"The words of {client.name} changed: {what}. Version {client.version} is live."
                )
                await self._say(client, f"client:{client.id}:{client.version}", text, now)
        log.info("clients changed", clients=len(kept))

    async def _heed_sources(self, now: datetime) -> None:
        """See whether a source was set up, changed or removed by hand, and watch by it at once."""
        by_hand = await self.store.source_settings()
        if by_hand == self._by_hand:
            return
        self._by_hand = by_hand
        before, running = self._given, self.rounds.sources
        try:
            given = effective(self.settings.environment, by_hand, self.settings.data)
            sources = set_up(self._http, given)
        except FenghuoError as error:
            await self._tell_operators(f"Sources are as they were: {error}", now)
            return
        same = {
            n for n in sources if n in running and SOURCES[n].read(before) == SOURCES[n].read(given)
        }
        self._given = given
        await self._open_inbox(sources)
        self.schedule.let_go(running.keys() - sources.keys())
        self.rounds.take_sources({n: running[n] if n in same else s for n, s in sources.items()})
        await self.rounds.plan(self._clients.values(), now)
        self.schedule.take_sources()
        log.info("sources changed", sources=sorted(sources))

    async def _tell_operators(self, text: str, now: datetime) -> None:
        if self.settings.operators is None:
            log.warning("for the operators", text=text)
            return
        key = f"operators:{now:%Y%m%dT%H%M%S}"
        notice = Alert(key=key, kind=AlertKind.NOTICE, channel=self.settings.operators, text=text)
        await self.store.commit(Decision(reason=Reason.SOURCE, alerts=(notice,)), now=now)
        self.deliver.wake()

    async def _say_campaigns(self, client: Client, now: datetime) -> None:
        """Say once in the client's channel that a campaign begins, and that it is over."""
        for campaign in client.campaigns:
            begun, over = campaign.start <= now, campaign.end <= now
            key = f"campaign:{client.id}:{campaign.start:%Y%m%dT%H%M}"
            if over and now - campaign.end < SAID_WITHIN and await self._once(f"{key}:end", now):
                text = f"The campaign of {client.name} is over ({campaign.reason}): all alerts count again."
                await self._say(client, f"{key}:end", text, now)
            elif begun and not over and await self._once(f"{key}:start", now):
                text = (
                    f"A campaign of {client.name} begins ({campaign.reason}), until "
                    f"{campaign.end:%d %b %H:%M} ({campaign.end:%Z}): bursts are not told, grave words "
                    "and new stages are."
                )
                await self._say(client, f"{key}:start", text, now)

    async def _once(self, key: str, now: datetime) -> bool:
        return await self.store.first_time(key, now=now)

    async def _say(self, client: Client, key: str, text: str, now: datetime) -> None:
        channel = client.channel or self.settings.operators
        if channel is not None:
            notice = Alert(key=key, kind=AlertKind.NOTICE, channel=channel, text=text)
            await self.store.commit(Decision(reason=Reason.RULE, alerts=(notice,)), now=now)
            self.deliver.wake()

    async def _purge(self, now: datetime) -> None:
        before = now - timedelta(days=self.settings.retention_days)
        log.info("purged", **await self.store.purge(before=before))


def _join_mend(error: SlackApiError) -> str:
    code = error.response.get("error", "no answer")
    mends = {
        "channel_not_found": "private or unknown: type /invite @Fenghuo there, or correct the id",
        "method_not_supported_for_channel_type": "private: type /invite @Fenghuo there",
        "is_archived": "archived: unarchive it or name another channel",
        "missing_scope": "the app lacks channels:join: reinstall it with manifest.yml",
    }
    return f"{code}: {mends.get(code, 'see fenghuo doctor')}"
