"""The command line itself: help, exit codes, and what goes to which output."""

import errno
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from rich.console import Console

from bot.cli import Shell, Verb, run
from bot.verbs import VERBS
from tests.bot.conftest import NOW, Ask
from watchers.errors import BadClientFile, StoreError

ROOT = Path(__file__).resolve().parents[2]
NAMES = [verb.name for verb in VERBS]


def fenghuo(*argv: object, cwd: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Run `python -m bot` as a program of its own, in the folder CWD."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("FENGHUO_", "SLACK_"))}
    return subprocess.run(  # noqa: S603 - the words are the tests' own
        [sys.executable, "-m", "bot", *map(str, argv)],
        cwd=cwd,
        env=kept | {"PYTHONPATH": str(ROOT), "FENGHUO_DATA": str(cwd / "data")} | more,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )


# ----------------------------------------------------------------------------------- help
def test_help_names_every_verb_and_where_to_start(tmp_path: Path) -> None:
    ran = fenghuo("--help", cwd=tmp_path)
    assert ran.returncode == 0
    assert ran.stderr == ""
    for verb in VERBS:
        assert f"    {verb.name} " in ran.stdout
    assert "fenghuo demo" in ran.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", NAMES)
def test_every_verb_explains_itself_with_an_example(ask: Ask, name: str) -> None:
    answer = ask(name, "--help")
    assert answer.code == 0
    assert f"usage: fenghuo {name}" in answer.out
    assert f"Example: fenghuo {name}" in " ".join(answer.out.split())
    assert answer.err == ""


@pytest.mark.parametrize("what", ["list", "import", "export", "remove"])
def test_what_can_be_done_with_clients_explains_itself(ask: Ask, what: str) -> None:
    assert f"usage: fenghuo clients {what}" in ask("clients", what, "--help").out


@pytest.mark.parametrize(
    "words",
    [
        [], ["wathc"], ["clients"], ["clients", "lost"], ["score", "--jsn"], ["demo", "--seconds", "5"],
        ["demo", "--seconds", "ninety"], ["check"], ["check", "x", "--hours", "0"],
        ["backtest", "x.jsonl"], ["train", "x.tsv"], ["detect"], ["demo", "--port", "70000"],
        ["detect", "x.csv", "--sensitivity", "-1"], ["detect", "x.csv", "--sensitivity", "nan"],
    ],
)  # fmt: skip
def test_words_that_cannot_be_used_end_with_two(ask: Ask, words: Sequence[str]) -> None:
    answer = ask(*words)
    assert answer.code == 2
    assert answer.out == ""
    assert "--help" in answer.err


# ------------------------------------------------------------------------------ exit codes
def ended(error: BaseException, shell: Shell) -> int:
    """The exit code of a verb that ends with ERROR."""

    def call(*_: object) -> int:
        raise error

    verb = Verb(name="do", help="does", run=call, arguments=lambda _: None)
    return run([verb], ["do"], shell)


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        (BadClientFile("x.toml: no client"), 2, "fenghuo: The client file cannot be used. x.toml"),
        (StoreError("disk full"), 1, "fenghuo: The database cannot be used. disk full"),
        (KeyboardInterrupt(), 1, "Stopped before the end."),
    ],
)
def test_an_error_is_one_message_and_a_code(
    capsys: pytest.CaptureFixture[str], error: BaseException, code: int, says: str
) -> None:
    shell = Shell(environment={}, now=lambda: NOW, console=Console(stderr=True))
    assert ended(error, shell) == code
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith(says)


def test_a_message_is_shown_as_it_is(ask: Ask, tmp_path: Path) -> None:
    odd = tmp_path / "[red]posts[/red] :fire: 奥岚.jsonl"
    assert str(odd) in ask("score", odd).err


def test_who_reads_only_the_beginning_sees_no_complaint(tmp_path: Path) -> None:
    posts = tmp_path / "posts.jsonl"
    posts.write_text('{"text": "好"}\n' * 5000, encoding="utf-8")
    command = [sys.executable, "-m", "bot", "score", str(posts), "--json"]
    with subprocess.Popen(  # noqa: S603 - the words are the test's own
        command, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as program:  # fmt: skip
        assert program.stdout is not None
        assert program.stderr is not None
        assert json.loads(program.stdout.readline())["id"] == "1"
        program.stdout.close()
        assert program.stderr.read() == b""
        assert program.wait(60) == 0


def test_the_result_is_utf_8_wherever_it_goes(tmp_path: Path) -> None:
    posts = tmp_path / "posts.jsonl"
    posts.write_text('{"text": "起火了👍"}\n', encoding="utf-8")
    ran = fenghuo("score", posts, cwd=tmp_path, PYTHONIOENCODING="latin-1")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "起火了👍" in ran.stdout


# ----------------------------------------------------------------------------------- check
def test_a_check_without_a_source_says_what_to_do(ask: Ask) -> None:
    answer = ask("check", "奥岚", "起火", "--json")
    assert answer.code == 2
    assert answer.out == ""
    assert "no source is set up: fenghuo doctor" in answer.err


# ------------------------------------------------------------------------------- demo, run
def test_a_port_that_is_taken_is_named(ask: Ask) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        demo = ask("demo", "--port", port, "--no-browser")
        ran = ask("run", FENGHUO_PREVIEW_PORT=port)
    for answer, name in ((demo, "--port"), (ran, "FENGHUO_PREVIEW_PORT")):
        assert answer.code == 2
        assert name in answer.err
        assert str(port) in answer.err
        assert os.strerror(errno.EADDRINUSE).lower() in answer.err.lower()


def test_run_stops_when_it_is_asked_to(tmp_path: Path) -> None:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("FENGHUO_", "SLACK_"))}
    here = {"PYTHONPATH": str(ROOT), "FENGHUO_PREVIEW_PORT": "0"}
    with subprocess.Popen(
        [sys.executable, "-m", "bot", "run"], cwd=tmp_path, env=kept | here, text=True,
        encoding="utf-8", stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as program:  # fmt: skip
        assert program.stderr is not None
        said = ""
        while "Watching." not in said and (line := program.stderr.readline()):
            said += line
        program.send_signal(signal.SIGTERM)
        out, err = program.communicate(timeout=60)
    assert "http://127.0.0.1:" in said
    assert "Stopping" in err
    assert (program.returncode, out) == (0, "")
    assert (tmp_path / ".data" / "fenghuo.sqlite3").exists()


def test_the_demo_prints_its_threads_and_nothing_else(tmp_path: Path) -> None:
    ran = fenghuo("demo", "--headless", "--json", "--seconds", 20, cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert len(ran.stdout.splitlines()) == 1
    found = json.loads(ran.stdout)
    assert set(found) == {"channel", "threads"}
    first = found["threads"][0]
    assert set(first) == {"incident", "root", "replies", "state"}
    assert set(first["root"]) == {"ts", "text", "blocks"}
    assert "Aulane" in first["root"]["text"]
    assert first["root"]["blocks"]
    assert first["replies"]
    assert "invented" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert list(tmp_path.iterdir()) == []
