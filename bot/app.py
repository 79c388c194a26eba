"""The Bolt app: which listener hears what. Socket Mode needs no more; HTTP mode has its front."""

import structlog
from aiohttp import web as http
from slack_bolt.async_app import AsyncApp, AsyncBoltRequest
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.web.async_client import AsyncWebClient

from bot import actions, commands, supply
from bot.office import Office

log = structlog.get_logger(__name__)


def build_app(web: AsyncWebClient, office: Office, signing_secret: str | None = None) -> AsyncApp:
    """Return the app with every listener; SIGNING_SECRET None means Socket Mode."""
    app = AsyncApp(
        client=web,
        signing_secret=signing_secret,
        request_verification_enabled=signing_secret is not None,
        ignoring_self_events_enabled=True,
    )
    commands.register(app, office)
    actions.register(app, office)
    supply.register(app, office, office.changed)
    app.error(_tell)
    return app


async def _tell(error: Exception, body: dict[str, object], ack: AsyncAck) -> None:
    """Answer a press or command that failed; log who and what, never the body."""
    user = body.get("user_id") or (body.get("user") or {"id": "?"})
    log.error("listener failed", error=type(error).__name__, user=user, exc_info=error)
    await ack(text="That went wrong on our side and nothing was changed. Please try again.")


class HttpFront:
    """HTTP mode: a loopback server for your own proxy; Bolt checks every signature."""

    PATH = "/slack/events"

    def __init__(self, app: AsyncApp, port: int) -> None:
        self._app = app
        self._port = port
        self._runner: http.AppRunner | None = None

    async def start(self) -> None:
        """Listen on loopback."""
        server = http.Application(client_max_size=1024 * 1024)
        server.router.add_post(self.PATH, self._take)
        self._runner = http.AppRunner(server)
        await self._runner.setup()
        await http.TCPSite(self._runner, "127.0.0.1", self._port).start()

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _take(self, request: http.Request) -> http.Response:
        answer = await self._app.async_dispatch(
            AsyncBoltRequest(
                body=await request.text(),
                query=request.query_string,
                headers={k: [v] for k, v in request.headers.items()},
            )
        )
        headers = {name: values[0] for name, values in answer.headers.items()}
        content_type = headers.pop("content-type", "text/plain").split(";")[0]
        return http.Response(
            status=answer.status, text=answer.body or "", headers=headers, content_type=content_type
        )
