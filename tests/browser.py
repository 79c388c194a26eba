"""A headless Chromium for tests that look at a page: opened, sized, asked, clicked, pictured.

Speaks the DevTools protocol over one websocket, so that no driver has to be installed.
"""

import asyncio
import base64
import itertools
import json
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
)


def chromium() -> str | None:
    """Return where Chromium is installed, None when it is not."""
    found = (shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome"))
    return next((path for path in found if path), None)


class Browser:
    """One tab."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._ids = itertools.count(1)
        self.errors: list[str] = []  # exceptions and console errors of the page

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Send one DevTools command and return its result."""
        key = next(self._ids)
        await self._socket.send_json({"id": key, "method": method, "params": params})
        while True:
            frame = json.loads(await self._socket.receive_str(timeout=20))
            self._note(frame)
            if frame.get("id") == key:
                if "error" in frame:
                    raise RuntimeError(f"{method}: {frame['error']}")
                return dict(frame["result"])

    def _note(self, frame: dict[str, Any]) -> None:
        if frame.get("method") == "Runtime.exceptionThrown":
            self.errors.append(json.dumps(frame["params"]["exceptionDetails"])[:600])
        if frame.get("method") == "Log.entryAdded" and frame["params"]["entry"]["level"] == "error":
            self.errors.append(frame["params"]["entry"]["text"])

    async def open(self, url: str, *, width: int = 1200, height: int = 800) -> None:
        await self.call("Runtime.enable")
        await self.call("Log.enable")
        await self.call("Page.enable")
        await self.size(width, height)
        await self.call("Page.navigate", url=url)

    async def size(self, width: int, height: int) -> None:
        await self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )

    async def ask(self, script: str) -> Any:
        """Return what SCRIPT, an expression, gives in the page (JSON values only)."""
        result = await self.call(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in result:
            raise RuntimeError(json.dumps(result["exceptionDetails"])[:600])
        return result["result"].get("value")

    async def until(self, script: str, timeout: float = 10.0) -> None:
        """Wait until SCRIPT is true in the page."""
        async with asyncio.timeout(timeout):
            while not await self.ask(f"Boolean({script})"):  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.05)

    async def click(self, selector: str, text: str = "") -> None:
        """Click the first element SELECTOR whose text contains TEXT."""
        find = (
            f"[...document.querySelectorAll({json.dumps(selector)})]"
            f".find((e) => e.textContent.includes({json.dumps(text)}))"
        )
        await self.until(find)
        await self.ask(f"{find}.click()")

    async def picture(self, path: Path) -> None:
        """Write what is on the screen as a PNG."""
        shot = await self.call("Page.captureScreenshot", format="png")
        await asyncio.to_thread(path.write_bytes, base64.b64decode(shot["data"]))


@asynccontextmanager
async def browser() -> AsyncIterator[Browser]:
    """Start Chromium with a profile of its own; end it and its profile at the end."""
    program = chromium()
    if program is None:
        raise RuntimeError("Chromium is not installed")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = await asyncio.create_subprocess_exec(
            program,
            *FLAGS,
            f"--user-data-dir={profile}",
            "about:blank",
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            port = await _port(Path(profile) / "DevToolsActivePort")
            async with aiohttp.ClientSession() as session:
                async with session.get(f"http://127.0.0.1:{port}/json/list") as got:
                    tabs = [tab for tab in await got.json() if tab["type"] == "page"]
                url = tabs[0]["webSocketDebuggerUrl"]
                async with session.ws_connect(url, max_msg_size=0) as socket:
                    yield Browser(socket)
        finally:
            process.terminate()
            await process.wait()


async def _port(file: Path) -> int:
    def lines() -> list[str]:
        return file.read_text().splitlines() if file.is_file() else []

    async with asyncio.timeout(30):
        while not lines():  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.05)
    return int(lines()[0])
