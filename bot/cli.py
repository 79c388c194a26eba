"""The verbs of `fenghuo`: what is typed becomes a call; what comes back becomes text or JSON.

Standard output holds the result and nothing else; progress and errors go to standard error.
Exit codes: 0 done, 1 failed, 2 bad usage or bad input.
"""

import argparse
import getpass
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NoReturn

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from watchers.errors import BadInput, FenghuoError

DONE, FAILED, BAD_INPUT = 0, 1, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Shell:
    """What a verb may use of the outside: the environment, the clock, the two outputs."""

    environment: Mapping[str, str]
    now: Callable[[], datetime]
    console: Console  # standard error

    def say(self, text: str) -> None:
        """Tell a person, on standard error."""
        self.console.print(text, markup=False, emoji=False, highlight=False, soft_wrap=True)

    def out(self, text: str) -> None:
        """Print a line of the result."""
        sys.stdout.write(text + "\n")

    def out_json(self, value: object) -> None:
        """Print one JSON document on a line of its own."""
        self.out(msgspec.json.encode(value, enc_hook=str).decode())

    def ask(self, question: str, *, secret: bool = False) -> str:
        """Ask a person and return one line of answer; a SECRET is not shown where one types it.

        Raises BadInput where there is nobody to answer.
        """
        if secret and sys.stdin.isatty():
            return getpass.getpass(f"{question} ", stream=sys.stderr).strip()
        self.console.print(
            f"{question} ", end="", markup=False, emoji=False, highlight=False, soft_wrap=True
        )
        line = sys.stdin.readline()
        if not line:
            raise BadInput(f"nobody answers “{question}”: give it by --set NAME=VALUE, and --yes")
        return line.strip()

    def progress(self, what: str) -> "Bar":
        """Return a progress bar on standard error; silent where that is no terminal."""
        return Bar(self.console, what)


class Bar:
    """A progress bar that a stage moves with (done, total)."""

    def __init__(self, console: Console, what: str) -> None:
        self._what = what
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
            transient=True,
        )
        self._task = self._progress.add_task(what, total=None)

    def __enter__(self) -> Callable[[int, int], None]:
        self._progress.start()
        return self._move

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def _move(self, done: int, total: int) -> None:
        self._progress.update(self._task, completed=done, total=total)


Run = Callable[[argparse.Namespace, Shell], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verb:
    """A verb of the command line: its help and what it runs."""

    name: str
    help: str
    run: Run
    arguments: Callable[[argparse.ArgumentParser], None]
    example: str = ""


class _Parser(argparse.ArgumentParser):
    """argparse, but a wrong word names the mend and ends with exit code 2."""

    def error(self, message: str) -> NoReturn:
        self.exit(BAD_INPUT, f"{self.prog}: {message}\nTry: {self.prog} --help\n")


def parser(verbs: Sequence[Verb]) -> argparse.ArgumentParser:
    """Return the parser of all VERBS."""
    top = _Parser(
        prog="fenghuo",
        description=(
            "Watches Chinese microblogs, hot-search lists and news portals for your clients, and "
            "lights a fire in Slack when a crisis starts."
        ),
        epilog="Start with: fenghuo demo   (needs no token, no server, no network)",
    )
    choices = top.add_subparsers(dest="verb", required=True, metavar="VERB", parser_class=_Parser)
    for verb in verbs:
        sub = choices.add_parser(
            verb.name,
            help=verb.help,
            description=verb.help,
            epilog=f"Example: {verb.example}" if verb.example else None,
        )
        verb.arguments(sub)
        sub.set_defaults(run=verb.run)
    return top


def run(verbs: Sequence[Verb], argv: Sequence[str], shell: Shell) -> int:
    """Run the verb that ARGV names; errors that a person can mend become one clear message."""
    asked = parser(verbs).parse_args(argv)
    call: Run = asked.run
    try:
        return call(asked, shell)
    except BadInput as error:
        shell.say(f"fenghuo: {error}")
        return BAD_INPUT
    except FenghuoError as error:
        shell.say(f"fenghuo: {error}")
        return FAILED
    except KeyboardInterrupt:
        shell.say("Stopped before the end.")
        return FAILED
    except BrokenPipeError:  # whoever read the result, as `head` does, has enough
        sys.stdout = None  # or the interpreter writes the rest at its end, and complains
        return DONE


def json_flag(sub: argparse.ArgumentParser) -> None:
    """Give SUB the flag --json."""
    sub.add_argument("--json", action="store_true", help="print JSON and nothing else")


def writable(path: Path) -> Path:
    """Return PATH; BadInput where nothing can be written there. What stands there stays."""
    absent = not path.exists()
    try:
        with path.open("ab"):
            pass
        if absent:
            path.unlink()
    except OSError as cause:
        mend = "name a file in a folder that exists and may be written to"
        raise BadInput(f"{path} cannot be written: {cause.strerror}; {mend}") from None
    return path


def read_text(path: Path, error: type[BadInput]) -> str:
    """Return the text of PATH; ERROR where it is absent or not UTF-8."""
    try:
        return path.read_text(encoding="utf-8-sig")  # editors on Windows put a mark in front
    except FileNotFoundError:
        raise error(f"there is no file {path}") from None
    except OSError as cause:
        raise error(f"{path} cannot be read: {cause.strerror}") from None
    except UnicodeDecodeError as cause:
        where = f"{path} is not UTF-8 text (byte {cause.start}); save it as UTF-8"
        raise error(where) from None
