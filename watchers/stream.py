"""The door for streams: one kept websocket, read as far as it goes. Knows no source.

What goes wrong becomes `SourceTrouble`, as at the door for requests, which this one belongs to.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from types import MappingProxyType
from urllib.parse import urlencode, urlsplit

import aiohttp

from watchers.http import Http, Reply, SourceTrouble, is_loopback
from watchers.model import Outcome
from watchers.sitetext import json_or_none

LARGEST = 1024 * 1024  # bytes of one message
QUIET = 0.3  # seconds without a message after which nothing more is waited for


class Stream:
    """A websocket that stays open between two looks; the far end holds back what is not read."""

    def __init__(self, http: Http, url: str, *, quiet: float = QUIET) -> None:
        self.http, self.url, self._quiet = http, url, quiet
        self._session: aiohttp.ClientSession | None = None
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self.host = urlsplit(url).hostname or ""
        http.at_close(self.close)

    @property
    def connected(self) -> bool:
        """Whether the last connection still stands."""
        return self._socket is not None and not self._socket.closed

    async def connect(
        self,
        params: Mapping[str, str],
        now: datetime,
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Open a new connection; raises SourceTrouble with what a refusal means."""
        await self.close()
        self._session = aiohttp.ClientSession(
            headers={**self.http.agent, **headers},
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=5),
        )
        try:
            async with asyncio.timeout(20):
                self._socket = await self._session.ws_connect(
                    f"{self.url}?{urlencode(params)}",
                    max_msg_size=LARGEST,
                    heartbeat=30,
                    autoping=True,
                )
        except aiohttp.WSServerHandshakeError as error:
            await self.close()
            headers = {k.lower(): v for k, v in (error.headers or {}).items()}
            reply = Reply(
                status=error.status, headers=MappingProxyType(headers), body=b"", host=self.host
            )
            self.http.require(reply, now)
            raise self.http.trouble(reply, Outcome.SCHEMA_CHANGED) from None
        except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:
            await self.close()
            detail = f"{self.host} did not answer ({type(error).__name__})"
            raise SourceTrouble(Outcome.DOWN, None, detail, requests=1) from None

    async def messages(self, most: int) -> AsyncIterator[object]:
        """Yield up to MOST messages, JSON or None, until nothing comes for a moment.

        Raises SourceTrouble where the connection broke.
        """
        for _ in range(most):
            if self._socket is None:
                return
            try:
                message = await self._socket.receive(timeout=self._quiet)
            except TimeoutError:
                return
            if message.type is not aiohttp.WSMsgType.TEXT:
                await self.close()
                detail = f"{self.host} closed the stream ({message.type.name.lower()})"
                raise SourceTrouble(Outcome.DOWN, None, detail)
            yield json_or_none(message.data)

    async def close(self) -> None:
        """Let go of the connection."""
        socket, session = self._socket, self._session
        self._socket = self._session = None
        if socket is not None:
            await socket.close()
        if session is not None:
            await session.close()


def stream_fault(url: str) -> str | None:
    """Say what is wrong with URL; None: it is wss, or ws to this machine itself."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "the address cannot be read"
    if not host or parts.scheme not in ("ws", "wss"):
        return "the address must begin with wss:// and name a host"
    if parts.scheme == "ws" and not is_loopback(host):
        return f"plain ws to {host} is refused; use wss (ws is for this machine only)"
    return None
