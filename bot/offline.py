"""The verbs that need no Slack and no network: score, detect, backtest, train, evaluate."""

import argparse
import asyncio
import csv
import gzip
import io
import json
import sys
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bot import charts, messages, playbooks
from bot.cli import BAD_INPUT, DONE, Shell, Verb, json_flag, read_text, writable
from bot.messages.text import clean, cut, gist_line, plural, width
from bot.settings import kept_at, own_files, read
from watchers import clients as client_files
from watchers import detect, recordings, tone
from watchers.errors import BadClientFile, BadInput
from watchers.gist import Glosser
from watchers.match import Matcher
from watchers.model import AlertKind, Author, Client, Gist, Incident, Post, Tone
from watchers.replay import Outcomes, Told
from watchers.risk import RiskModel
from watchers.store import Store
from watchers.trial import Kit, replayed

BATCH = 500
LEAD = 70  # columns of a lead post that a report shows
MAX_TEXT = 20_000  # characters of one post that are read; nobody posts more


# ---------------------------------------------------------------------------------- score
def score(asked: argparse.Namespace, shell: Shell) -> int:
    """Print what the stages find in each post, in the order of the input."""
    folder, chosen = own_files(shell.environment)
    books = playbooks.load(overrides=folder)
    clients = load_clients(asked.client) if asked.client else ()
    types = books.crisis_types()
    matcher = Matcher(clients, companions=sorted({t for c in types for t in c.strong}))
    risk = RiskModel(types)
    model = tone.ToneModel.load(asked.model or chosen)
    glosser = Glosser()
    bad = 0
    for batch in _batches(_posts(asked.file, shell)):
        posts = [p for p in batch if isinstance(p, Post)]
        scores = iter(model.score([p.text[:MAX_TEXT] for p in posts]))
        for post in batch:
            if not isinstance(post, Post):
                bad += 1
                continue
            negative, feeling = next(scores)
            row: dict[str, Any] = {
                "id": post.id,
                "negative": round(negative, 4),
                "tone": feeling,
                "types": [
                    {"type": t.type, "terms": t.terms}
                    for t in risk.types(post.text[:MAX_TEXT], feeling)
                ],
                "mentions": [
                    {"client": m.client, "term": m.term, "kind": m.kind} for m in matcher.find(post)
                ],
            }
            if asked.gist:
                named = {m["client"] for m in row["mentions"]}
                client = next((c for c in clients if c.id in named), None)
                row["gist"] = glosser.gist(post.text, client)
            _print_score(row, post, shell, as_json=asked.json)
    if bad:
        shell.say(f"fenghuo: {bad} lines could not be read; the others were scored.")
    return BAD_INPUT if bad else DONE


def _print_score(row: dict[str, Any], post: Post, shell: Shell, *, as_json: bool) -> None:
    if as_json:
        shell.out_json(row)
        return
    types = ", ".join(f"{t['type']} ({' '.join(t['terms'])})" for t in row["types"]) or "-"
    named = ", ".join(f"{m['client']}: {m['term']} ({m['kind']})" for m in row["mentions"]) or "-"
    text = "".join(c if c.isprintable() else " " for c in post.text[:MAX_TEXT])
    text = " ".join(text.split())[:40]
    shell.out(f"{row['negative']:.2f} {row['tone']:<8} {types} | {named} | {text}")
    if row.get("gist"):
        shell.out(f"     {gist_line(Gist(text=row['gist']))}")


def _posts(file: Path | None, shell: Shell) -> Iterator[Post | None]:
    """Yield the posts of FILE or of standard input; None stands for a line that cannot be read."""
    if file is None and sys.stdin.isatty():
        shell.say(
            "Reading posts from the keyboard: one JSON object with “text” a line, Ctrl-D ends."
        )
    name = str(file) if file else "standard input"
    for number, line in enumerate(_lines(file), start=1):
        if not line.strip():
            continue
        try:
            yield _lenient(line, number, shell.now())
        except ValueError as error:
            shell.say(f"fenghuo: {name}, line {number}: {error}")
            yield None


def _lines(file: Path | None) -> Iterable[str]:
    if file is None:
        yield from io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8-sig", errors="replace")
        return
    try:
        with file.open("rb") as raw:
            packed = raw.peek(2)[:2] == b"\x1f\x8b"
            stream = gzip.GzipFile(fileobj=raw) if packed else raw
            with io.TextIOWrapper(stream, encoding="utf-8-sig", errors="replace") as lines:
                yield from lines
    except (OSError, EOFError, zlib.error) as error:
        what = getattr(error, "strerror", None) or error
        raise BadInput(f"{file} cannot be read: {what}") from None


def _lenient(line: str, number: int, now: datetime) -> Post:
    """Read a line that holds at least `text`; whatever else the recording format has is kept."""
    try:
        fields = json.loads(line)
    except json.JSONDecodeError as error:
        detail = f"is not JSON ({error.msg} at column {error.colno})"
        raise ValueError(detail) from None
    except RecursionError:
        raise ValueError("is nested too deeply") from None
    if not isinstance(fields, dict) or not isinstance(fields.get("text"), str):
        raise ValueError('needs a JSON object with "text": "…"')  # noqa: TRY004  # bad input, no bug
    user = fields.get("user")
    user = user if isinstance(user, dict) else {}
    id_ = fields.get("id")
    return Post(
        source=str(fields.get("platform") or "unknown"),
        id=_whole_text(str(number if id_ is None else id_)),
        url=str(fields.get("url") or ""),
        text=_whole_text(fields["text"]),
        author=Author(id=str(user.get("id") or ""), handle=str(user.get("name") or "")),
        created_at=None,
        retrieved_at=now,
        quoted=_whole_text(str(fields.get("quoted") or "")),
    )


def _whole_text(text: str) -> str:
    """Return TEXT without half characters, which JSON can hold and nothing can write."""
    return text.encode("utf-8", "replace").decode()


def _batches(posts: Iterable[Post | None]) -> Iterator[list[Post | None]]:
    batch: list[Post | None] = []
    for post in posts:
        batch.append(post)
        if len(batch) >= BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


# --------------------------------------------------------------------------------- detect
def detect_series(asked: argparse.Namespace, shell: Shell) -> int:
    """Run a count series through the detector and print its scores or its alarms."""
    rows = list(_series(asked.series))
    with shell.progress("bins") as move:
        scores, alarms = detect.scan(rows, asked.sensitivity, progress=move)
    if asked.json:
        shell.out_json(
            {
                "series": str(asked.series),
                "threshold": round(detect.threshold(asked.sensitivity), 3),
                "alarms": [
                    {
                        "timestamp": f"{a.at:%Y-%m-%d %H:%M:%S}",
                        "value": a.value,
                        "score": round(a.score, 3),
                        "usual": round(a.usual, 2),
                        "why": a.why,
                    }
                    for a in alarms
                ],
            }
        )
        return DONE
    shell.out("timestamp,value,score")
    for (at, value), found in zip(rows, scores, strict=True):
        shell.out(f"{at:%Y-%m-%d %H:%M:%S},{value:.15g},{found:.4f}")
    return DONE


def _series(path: Path) -> Iterator[tuple[datetime, float]]:
    text = read_text(path, BadInput)
    reader = csv.DictReader(io.StringIO(text))
    if not {"timestamp", "value"} <= set(reader.fieldnames or ()):
        raise BadInput(f"{path}: the first line must be timestamp,value")
    before: datetime | None = None
    for row in reader:
        where = f"{path}, line {reader.line_num}"
        try:
            at = datetime.fromisoformat(row["timestamp"])
            value = float(row["value"])
            at = (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
        except (TypeError, ValueError, OverflowError):
            raise BadInput(f"{where}: “YYYY-MM-DD HH:MM:SS,count” is needed") from None
        if before is not None and at <= before:
            raise BadInput(f"{where}: {row['timestamp']} is not later than the row before; sort it")
        before = at
        yield at, value


# ------------------------------------------------------------------------------- backtest
def backtest(asked: argparse.Namespace, shell: Shell) -> int:
    """Replay recordings through the stages of the service and report what they found."""
    clients = load_clients(asked.client)
    names = ", ".join(c.id for c in clients)
    if len(clients) != 1 and asked.only is None:
        raise BadClientFile(
            f"{asked.client} holds {len(clients)} clients: choose one, --only ({names})"
        )
    client = next((c for c in clients if asked.only in (None, c.id)), None)
    if client is None:
        raise BadClientFile(f"{asked.client} holds no client {asked.only}, but {names}")
    if bool(asked.recording) == (asked.stored is not None):
        raise BadInput("name recordings, or --stored DAYS for what the database holds: one of both")
    posts = (
        [post for path in asked.recording for post in _recorded(path, shell)]
        if asked.stored is None
        else asyncio.run(_stored(asked.stored, shell))
    )
    found = asyncio.run(_replay(client, posts, asked, shell))
    result = _report(client, asked.recording, found)
    if asked.json:
        shell.out_json(result)
    else:
        _print_report(result, shell)
    return DONE


async def _stored(days: int, shell: Shell) -> tuple[Post, ...]:
    """Return the posts of the last DAYS that the database holds."""
    settings = read(shell.environment)
    store = await Store.open(settings.database_url, now=shell.now())
    try:
        return await store.stored_posts(shell.now() - timedelta(days=days), shell.now())
    finally:
        await store.close()


def _recorded(path: Path, shell: Shell) -> Iterator[Post]:
    """Yield the posts of a recording; lines that cannot be read are named and left out."""
    recording = recordings.Recording(path, skip_bad=True)
    yield from recording
    for fault in recording.faults:
        shell.say(f"fenghuo: {fault}")
    if recording.skipped:
        shell.say(f"fenghuo: {recording.skipped} lines of {path} left out; the rest was replayed.")


async def _replay(
    client: Client, posts: Sequence[Post], asked: argparse.Namespace, shell: Shell
) -> Outcomes:
    kit = trial_kit(shell, asked.model)
    with shell.progress("posts") as move:
        return await replayed(
            client, posts, kit, budget=asked.budget, page=asked.page, progress=move
        )


def trial_kit(shell: Shell, model: Path | None = None) -> Kit:
    """Return what a replay needs: one's own playbooks and tone model, or the shipped ones."""
    folder, chosen = own_files(shell.environment)
    books = playbooks.load(overrides=folder)
    return Kit(
        types=books.crisis_types(),
        tone=tone.ToneModel.load(model or chosen),
        play=books.steps_for,
    )


def _report(client: Client, paths: Sequence[Path], found: Outcomes) -> dict[str, Any]:
    return {
        "client": client.id,
        "sensitivity": client.sensitivity,
        "recordings": [str(p) for p in paths],
        "from": found.start,
        "to": found.end,
        "posts": found.posts,
        "seen": found.seen,
        "matched": found.matched,
        "requests": found.requests,
        "incidents": [_incident_row(i) for i in found.incidents],
        "alerts": [_alert_row(t, client) for t in found.told],
    }


def _incident_row(incident: Incident) -> dict[str, Any]:
    return {
        "number": incident.number,
        "opened_at": incident.opened_at,
        "first_post_at": incident.first_post_at,
        "closed_at": incident.closed_at,
        "severity": incident.severity,
        "stage": incident.stage,
        "type": incident.type,
        "posts": incident.figures.total,
        "authors": incident.figures.authors,
        "reasons": [incident.why, *incident.reasons],
        "lead": incident.lead.text if incident.lead else None,
        "lead_url": incident.lead.url if incident.lead else None,
    }


def _alert_row(told: Told, client: Client) -> dict[str, Any]:
    alert, incident = told.alert, told.incident
    text = alert.text
    if not text and incident is not None and alert.kind is AlertKind.ROOT:
        text = messages.fallback(incident, client)
    return {
        "at": told.at,
        "incident": incident.number if incident else None,
        "kind": alert.kind,
        "text": text or alert.key,
    }


def _print_report(result: dict[str, Any], shell: Shell) -> None:
    shell.out(
        f"{result['client']}: {result['posts']} posts from {_day(result['from'])} to "
        f"{_day(result['to'])} UTC, {result['matched']} spoke of the client"
        + (
            f", {result['seen']} seen with {result['requests']} requests"
            if result["requests"]
            else ""
        )
    )
    if not result["incidents"]:
        shell.out("No incident.")
    for row in result["incidents"]:
        shell.out(
            f"INC-{row['number']} {row['opened_at']:%Y-%m-%d %H:%M} {row['severity']} "
            f"{row['stage']} {row['type'] or 'no type yet'}: {row['posts']} posts"
        )
        for reason in row["reasons"]:
            shell.out(f"    {reason}")
        if row["lead"]:
            lead = cut(clean(row["lead"]), LEAD, width)
            shell.out(f"    lead: “{lead}” {row['lead_url'] or '(recorded without a link)'}")
    shell.out(f"{_often(result)}{len(result['alerts'])} messages would have been sent.")


def _often(result: dict[str, Any]) -> str:
    """Return how often a replay of a week or more found something, beside what is accepted."""
    if not result["posts"]:
        return ""
    weeks, found = (result["to"] - result["from"]) / timedelta(weeks=1), len(result["incidents"])
    if weeks < 1:
        return ""
    return (
        f"{plural(found, 'incident')} in {weeks:.1f} weeks, {found / weeks:.2f} a week; the client "
        f"accepts {result['sensitivity']:g} a week when nothing is wrong. "
    )


def _day(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M}" if at else "-"


# ---------------------------------------------------------------------------- train, evaluate
def train(asked: argparse.Namespace, shell: Shell) -> int:
    """Train a tone model from the team's corrections and labelled lines, and save it."""
    sources = {str(path): list(tone.read_labels(path)) for path in asked.labels}
    hints = {str(path): list(tone.read_labels(path)) for path in asked.hint}
    unsure = 0
    if not asked.files_only:
        rows, unsure = asyncio.run(_corrections(shell))
        if rows:
            sources[CORRECTIONS] = rows
    for name, rows in sources.items():
        shell.say(f"{name}: {_counted(rows)}")
    if unsure:
        shell.say(f"{unsure} corrections to “unsure” teach nothing and are left out.")
    for name, rows in hints.items():
        shell.say(f"{name}: a hint, {_counted([row for row in rows if row[0]])}")
    if not sources:
        raise BadInput(
            "there is nothing to learn from: correct the tone of posts in Slack, or name a file of "
            "labels"
        )
    writable(asked.output)  # said now, not after two minutes of training
    _, chosen = own_files(shell.environment)
    used = tone.ToneModel.load(asked.model or chosen)
    with shell.progress("training") as move:
        found = tone.train(
            sources,
            now=shell.now(),
            hints=hints,
            start=None if asked.anew else used,
            progress=move,
        )
    found.model.save(asked.output)
    before = tone.figures(used.probabilities(found.texts), found.labels)
    after = tone.figures(found.held_out, found.labels)
    shell.say(tone.compared(before, after, ("before", "after")))
    shell.say(
        "Before is the model used so far; after is measured on rows held out, a fifth at a time.\n"
        f"Saved as {asked.output}. Use it with FENGHUO_MODEL={asked.output}"
    )
    return DONE


CORRECTIONS = "corrections by the team"
_LABELS = {Tone.NEGATIVE: -1, Tone.NEUTRAL: 0, Tone.POSITIVE: 1}


async def _corrections(shell: Shell) -> tuple[list[tone.Row], int]:
    """Return what people said of posts in the store, and how often they said unsure."""
    url = kept_at(shell.environment)
    if url is None:
        return [], 0
    store = await Store.open(url, now=shell.now())
    try:
        said = await store.corrected()
    finally:
        await store.close()
    rows = [(_LABELS[feeling], text) for feeling, text in said if feeling in _LABELS]
    return rows, len(said) - len(rows)


def _counted(rows: Sequence[tone.Row]) -> str:
    counts = Counter(label for label, _ in rows)
    return f"{counts[-1]} negative, {counts[0]} neutral, {counts[1]} positive"


def evaluate(asked: argparse.Namespace, shell: Shell) -> int:
    """Measure a tone model on labelled lines; draw how far its probabilities can be trusted."""
    rows = [row for path in asked.labels for row in tone.read_labels(path)]
    _, chosen = own_files(shell.environment)
    model = tone.ToneModel.load(asked.model or chosen)
    if asked.diagram:
        writable(asked.diagram)
    with shell.progress("posts") as move:
        result = tone.evaluate(model, rows, progress=move)
    if asked.diagram:
        title = f"Tone model {model.version} on {result.n} posts"
        asked.diagram.write_bytes(charts.reliability(result.reliability, title=title))
        shell.say(f"Reliability diagram: {asked.diagram}")
    if asked.json:
        shell.out_json(result)
    else:
        shell.out(str(result))
    return DONE


def load_clients(path: Path) -> tuple[Client, ...]:
    """Return the clients of the TOML file PATH; BadClientFile lists all that is wrong."""
    return client_files.load(read_text(path, BadClientFile), str(path))


# --------------------------------------------------------------------------------- the table
def _score_arguments(sub: argparse.ArgumentParser) -> None:
    sub.add_argument(
        "file", nargs="?", type=Path, help="JSON lines with “text”; default: standard input"
    )
    sub.add_argument("--client", type=Path, metavar="FILE.toml", help="match these clients as well")
    sub.add_argument("--gist", action="store_true", help="tell Chinese posts in a line of English")
    _model(sub)
    json_flag(sub)


def _detect_arguments(sub: argparse.ArgumentParser) -> None:
    sub.add_argument(
        "series", type=Path, metavar="SERIES.csv", help="timestamp,value; steps of 5 minutes"
    )
    sub.add_argument(
        "--sensitivity", type=_positive, default=0.25, help="alarms accepted a week (0.25)"
    )
    json_flag(sub)


def _backtest_arguments(sub: argparse.ArgumentParser) -> None:
    sub.add_argument(
        "recording", nargs="*", type=Path, help="recorded posts, JSON lines, also gzipped"
    )
    sub.add_argument(
        "--stored",
        type=_whole,
        metavar="DAYS",
        help="instead of recordings: the posts of the last days that the database holds",
    )
    sub.add_argument(
        "--client", type=Path, required=True, metavar="FILE.toml", help="the client to watch for"
    )
    sub.add_argument(
        "--only", metavar="ID", help="which client of the file, where it holds several"
    )
    sub.add_argument(
        "--budget",
        type=_positive,
        metavar="REQUESTS",
        help="requests a minute; default: see all at once",
    )
    sub.add_argument(
        "--page", type=_whole, default=20, metavar="N", help="posts a page with --budget (20)"
    )
    _model(sub)
    json_flag(sub)


def _train_arguments(sub: argparse.ArgumentParser) -> None:
    sub.add_argument(
        "labels",
        nargs="*",
        type=Path,
        metavar="LABELS.tsv",
        help="label (-1, 0, 1), a tab, the text; also gzipped",
    )
    sub.add_argument(
        "-o", "--output", type=Path, required=True, metavar="MODEL", help="where to save it"
    )
    sub.add_argument(
        "--hint",
        action="append",
        default=[],
        type=Path,
        metavar="LABELS.tsv",
        help="texts of another kind, such as reviews: what tells -1 from 1 there is a hint",
    )
    sub.add_argument(
        "--files-only", action="store_true", help="leave out the team's corrections in the store"
    )
    sub.add_argument(
        "--anew",
        action="store_true",
        help="forget the model used so far; needs thousands of labels",
    )
    _model(sub)


def _evaluate_arguments(sub: argparse.ArgumentParser) -> None:
    sub.add_argument(
        "labels",
        nargs="+",
        type=Path,
        metavar="LABELS.tsv",
        help="label (-1, 0, 1), a tab, the text",
    )
    sub.add_argument(
        "--diagram", type=Path, metavar="FILE.png", help="draw probabilities against shares"
    )
    _model(sub)
    json_flag(sub)


def _model(sub: argparse.ArgumentParser) -> None:
    sub.add_argument(
        "--model", type=Path, metavar="MODEL", help="another tone model than the shipped one"
    )


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1e6:
        raise argparse.ArgumentTypeError(f"{text!r} must be a number above 0")
    return value


def _whole(text: str) -> int:
    found = int(text) if text.isdecimal() else 0
    if not 1 <= found <= 1000:
        raise argparse.ArgumentTypeError(f"{text!r} must be a whole number from 1 to 1000")
    return found


VERBS = (
    Verb(name="score", help="score posts: tone, crisis types, clients meant", run=score,
         arguments=_score_arguments, example="fenghuo score posts.jsonl --client clients.toml --json"),
    Verb(name="detect", help="run a count series through the detector", run=detect_series,
         arguments=_detect_arguments, example="fenghuo detect series.csv --json"),
    Verb(name="backtest", help="replay recorded posts through the stages of the service", run=backtest,
         arguments=_backtest_arguments, example="fenghuo backtest posts.jsonl.gz --client clients.toml"),
    Verb(name="train", help="train a tone model from corrections and labelled lines", run=train,
         arguments=_train_arguments, example="fenghuo train labels.tsv -o model.npz"),
    Verb(name="evaluate", help="measure a tone model on labelled lines", run=evaluate,
         arguments=_evaluate_arguments, example="fenghuo evaluate labels.tsv --json"),
)  # fmt: skip
