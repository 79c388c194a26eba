"""The composition root's front door: the only reader of the environment and the clock."""

import io
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from dotenv import dotenv_values
from rich.console import Console

from bot import cli
from bot.verbs import VERBS


def now() -> datetime:
    """Return the time, aware and in UTC."""
    return datetime.now(UTC)


def environment() -> dict[str, str]:
    """Return the environment laid over a `.env` file of the current folder, if there is one."""
    written = {k: v for k, v in dotenv_values(Path(".env")).items() if v is not None}
    return written | dict(os.environ)


def main() -> None:
    """Run `fenghuo` with the arguments of the command line; what it prints is UTF-8 everywhere."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8")
    shell = cli.Shell(environment=environment(), now=now, console=Console(stderr=True))
    sys.exit(cli.run(VERBS, sys.argv[1:], shell))


if __name__ == "__main__":
    main()
