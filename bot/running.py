"""The verbs that run the real thing: run, check, demo."""

import argparse
import asyncio
import contextlib
import errno
import logging
import signal
import sys
import webbrowser
from datetime import timedelta

import structlog

from bot import messages
from bot.cli import DONE, FAILED, Shell, Verb, json_flag
from bot.commands import USAGE
from bot.demo.play import Demo, Ended
from bot.preview import Channel, Preview
from bot.service import Service, build_looker, read_parts
from bot.settings import Settings, data_folder, read
from watchers.errors import BadInput, BadSetting
from watchers.http import Http
from watchers.store import Store


def set_up_logging(level: str) -> None:
    """Log to standard error, one line an event."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.dev.ConsoleRenderer(colors=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping()[level.upper()]
        ),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
    )
    logging.basicConfig(level=logging.WARNING)
    # a job that is still at work when its time comes again is skipped on purpose
    logging.getLogger("apscheduler").setLevel(logging.ERROR)


# ------------------------------------------------------------------------------------ run
def run(asked: argparse.Namespace, shell: Shell) -> int:
    """Run the service until it is stopped."""
    settings = read(shell.environment)
    set_up_logging(settings.log)
    del asked
    return asyncio.run(_run(settings, shell))


async def _run(settings: Settings, shell: Shell) -> int:
    parts = read_parts(settings)
    data_folder(settings)
    store = await Store.open(settings.database_url, now=shell.now())
    preview = None
    if settings.previews:
        try:
            preview = await open_preview(settings, store, shell)
        except BaseException:
            await store.close()
            raise
    service = Service(
        settings, parts, store, Http(contact=settings.contact), now=shell.now, preview=preview
    )
    stop = stop_signal()
    try:
        await service.start()
        shell.say("Watching. Ctrl-C stops.")
        await stop.wait()
        shell.say("Stopping: finishing what is under way…")
    finally:
        await service.stop()
        if preview is not None:
            await preview.stop()
    return DONE


async def open_preview(settings: Settings, store: Store, shell: Shell) -> Preview:
    """Start the stand-in for Slack with a channel for each client, and say where it is."""
    clients = await store.clients()
    channels = {c.channel: f"crisis-{c.id}" for c in clients if c.channel}
    if settings.operators:
        channels[settings.operators] = "watchers"
    preview = Preview(
        channels=[Channel(id=id_, name=name) for id_, name in channels.items()],
        now=shell.now,
        problems=messages.problems,
        commands={"/crisis": USAGE},
    )
    try:
        url = await preview.start(port=settings.preview_port)
    except OSError as error:
        place = f"FENGHUO_PREVIEW_PORT: port {settings.preview_port}"
        raise BadSetting(f"{place}: {error.strerror}; name a free one, or 0") from None
    shell.say(f"No SLACK_BOT_TOKEN: messages go to the preview, {url}")
    return preview


def stop_signal() -> asyncio.Event:
    """Return what is set by Ctrl-C or a request to end, from now on."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # no signals on this platform's loop
            loop.add_signal_handler(number, stop.set)
    return stop


# ---------------------------------------------------------------------------------- check
def check(asked: argparse.Namespace, shell: Shell) -> int:
    """Ask the sources now and count a client's posts, or those with free words."""
    settings = read(shell.environment)
    set_up_logging("warning")
    return asyncio.run(_check(asked, settings, shell))


async def _check(asked: argparse.Namespace, settings: Settings, shell: Shell) -> int:
    parts = read_parts(settings)
    data_folder(settings)
    store = await Store.open(settings.database_url, now=shell.now())
    length = timedelta(hours=asked.hours)
    async with Http(contact=settings.contact) as http:
        try:
            looker = await build_looker(settings, parts, store, http, shell.now())
            if not looker.sources:
                raise BadInput("no source is set up: fenghuo doctor says what each needs")
            words = " ".join(asked.subject)
            clients = await store.clients()
            client = next((c for c in clients if words in (c.id, c.name, *c.names)), None)
            if client is not None:
                report = await looker.client(client, length, shell.now())
            else:
                report = await looker.words(words, length, shell.now())
        finally:
            await store.close()
    if asked.json:
        shell.out_json(report)
    else:
        shell.out(messages.check_text(report))
    return DONE if report.known else FAILED


# ----------------------------------------------------------------------------------- demo
def demo(asked: argparse.Namespace, shell: Shell) -> int:
    """Play an invented crisis with the real watchers, and show it in the preview."""
    set_up_logging("error" if not asked.verbose else "info")
    return asyncio.run(_demo(asked, shell))


async def _demo(asked: argparse.Namespace, shell: Shell) -> int:
    shown = Demo(shell, seconds=asked.seconds, port=0 if asked.headless else asked.port)
    shell.say("Everything in this demo is invented: the client, the people, the posts.")
    try:
        url = await _started(shown, asked.port)
        if asked.headless:
            ended = await shown.play_headless()
            _print_threads(ended, asked, shell)
            return DONE if ended.threads else FAILED
        shell.say(f"The channel stands at {url}   (Ctrl-C ends)")
        if not asked.no_browser:
            await asyncio.to_thread(webbrowser.open, url)
        await shown.narrate(stop_signal().wait())
    finally:
        await shown.stop()
    return DONE


async def _started(shown: Demo, port: int) -> str:
    try:
        return await shown.start()
    except OSError as error:
        if error.errno not in (errno.EADDRINUSE, errno.EACCES):
            raise
        raise BadInput(f"--port {port}: {error.strerror}; name a free one, or 0") from None


def _print_threads(ended: Ended, asked: argparse.Namespace, shell: Shell) -> None:
    if asked.json:
        shell.out_json({"channel": ended.channel, "threads": ended.threads})
        return
    for thread in ended.threads:
        shell.out(f"INC-{thread['incident']} ({thread['state']}): {thread['root']['text']}")
        for reply in thread["replies"]:
            shell.out(f"    {reply['text']}")


# --------------------------------------------------------------------------------- the table
def _none(_: argparse.ArgumentParser) -> None:
    """No arguments: the environment says everything."""


def _check_arguments(sub: argparse.ArgumentParser) -> None:
    sub.add_argument(
        "subject", nargs="+", metavar="CLIENT-OR-WORDS", help="a client's id or name, or words"
    )
    sub.add_argument("--hours", type=_hours, default=24, metavar="N", help="the last N hours (24)")
    json_flag(sub)


def _demo_arguments(sub: argparse.ArgumentParser) -> None:
    sub.add_argument(
        "--seconds",
        type=_seconds,
        default=90,
        metavar="N",
        help="how long the eight hours last (90)",
    )
    sub.add_argument(
        "--headless", action="store_true", help="no page: play to the end, print the threads"
    )
    sub.add_argument("--port", type=_port, default=8642, help="port of the page on loopback (8642)")
    sub.add_argument("--no-browser", action="store_true", help="do not open the page")
    sub.add_argument("--verbose", action="store_true", help="log what the watchers do")
    json_flag(sub)


def _hours(text: str) -> int:
    found = int(text) if text.isdecimal() else 0
    if not 1 <= found <= 720:
        raise argparse.ArgumentTypeError(f"{text!r} must be a whole number from 1 to 720")
    return found


def _seconds(text: str) -> int:
    found = int(text) if text.isdecimal() else 0
    if not 15 <= found <= 3600:
        raise argparse.ArgumentTypeError(f"{text!r} must be a whole number from 15 to 3600")
    return found


def _port(text: str) -> int:
    found = int(text) if text.isdecimal() else -1
    if not 0 <= found <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} must be a whole number from 0 to 65535")
    return found


VERBS = (
    Verb(name="demo", help="an invented crisis, played with the real watchers; needs nothing", run=demo,
         arguments=_demo_arguments, example="fenghuo demo"),
    Verb(name="run", help="the service: watch, alert, answer", run=run,
         arguments=_none, example="fenghuo run"),
    Verb(name="check", help="ask the sources now: a client or free words", run=check,
         arguments=_check_arguments, example="fenghuo check aulane --hours 6"),
)  # fmt: skip
