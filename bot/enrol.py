"""Setting a source up by hand: what is asked, where secrets lie, the test, who allowed it and why.

Settings made here stand in the store; those of the environment come first. A secret is never stored
there: what stands is a reference, env:NAME or file:/path.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from bot.settings import Settings
from watchers.connector import Setting, SourceRow
from watchers.errors import BadSetting, FenghuoError
from watchers.http import Http, is_loopback
from watchers.model import Outcome
from watchers.sources import SOURCES, Source
from watchers.store import Store

REFERENCES = ("env:", "file:")
RUN_SECRETS = Path("/run/secrets")  # where containers are given theirs
_SOURCE_OF = {s.name: row.name for row in SOURCES.values() for s in row.settings}
PUBLIC = "public-web"  # read only once an operator has said why it may be


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """How a source fared that was built and asked once."""

    outcome: Outcome
    detail: str
    terms_class: str = ""


def effective(
    environment: Mapping[str, str], kept: Mapping[str, str], data: Path
) -> dict[str, str]:
    """Return ENVIRONMENT over what was KEPT by hand, references followed.

    DATA is the data folder. Raises BadSetting that names every reference which leads nowhere.
    """
    found: dict[str, str] = {}
    faults: list[str] = []
    for name, value in kept.items():
        if environment.get(name, "").strip():
            continue
        try:
            found[name] = resolved(name, value, environment, data)
        except BadSetting as error:
            faults.append(f"{name}: {error.detail}")
    if faults:
        raise BadSetting("\n  ".join(["", *faults]))
    return dict(environment) | found


def resolved(name: str, value: str, environment: Mapping[str, str], data: Path) -> str:
    """Return what VALUE says, or what the reference in it leads to; raises BadSetting.

    References may be typed in Slack, and what they lead to is sent to a source: so they reach the
    source's own names in the environment and the folders of secrets, and nothing else.
    """
    kind, _, where = value.partition(":")
    if f"{kind}:" not in REFERENCES:
        return value
    if kind == "env":
        prefix = f"{_SOURCE_OF.get(name, name).upper()}_"
        if not where.startswith(prefix):
            raise BadSetting(f"env:{where[:60]} must begin with {prefix}")
        if not environment.get(where, "").strip():
            raise BadSetting(f"{where} is not in the environment of fenghuo")
        return environment[where]
    path = Path(where)
    places = (secrets_folder(data), RUN_SECRETS)
    if not any(path.resolve().is_relative_to(place.resolve()) for place in places):
        raise BadSetting(f"file:{where[:60]} must lie in {places[0]} or {places[1]}")
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BadSetting(f"{where} cannot be read ({type(error).__name__})") from None


def secrets_folder(data: Path) -> Path:
    """Return the folder in DATA, the data folder, where secrets are kept."""
    return (data / "secrets").absolute()


def typed_fault(setting: Setting, value: str) -> str:
    """Say what is wrong with VALUE of SETTING as it was typed in Slack; empty: nothing.

    A secret is given by reference, and addresses of this machine are nobody's to try from outside.
    """
    if setting.secret and value and not value.startswith(REFERENCES):
        return "Not the secret itself, which Slack would keep: env:NAME or file:/path"
    try:
        hosts = [urlsplit(word).hostname or "" for word in value.split() if "://" in word]
    except ValueError:
        return "This address cannot be read"
    if any(is_loopback(host) or host == "0.0.0.0" for host in hosts):  # noqa: S104 -- refused
        return "An address of the machine fenghuo runs on is set there: fenghuo sources add"
    return ""


def open_rows(settings: Mapping[str, str]) -> tuple[SourceRow, ...]:
    """Return the sources that are not set up yet by SETTINGS."""
    return tuple(row for row in SOURCES.values() if not row.ready(settings))


def keep_secret(data: Path, name: str, value: str) -> str:
    """Write a secret into a file that only its owner reads; return the reference to it."""
    place = secrets_folder(data)
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = place / name
        path.unlink(missing_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(value + "\n")
    except OSError as error:
        raise BadSetting(f"{place} cannot be written ({error.strerror})") from None
    return f"file:{path}"


async def try_out(
    row: SourceRow,
    given: Mapping[str, str],
    settings: Settings,
    now: datetime,
) -> Trial:
    """Build the source of ROW from GIVEN, references followed, and test its connection once."""
    try:
        asked = effective(settings.environment, given, settings.data)
        if missing := row.missing(asked):
            return Trial(
                outcome=Outcome.AUTH_REQUIRED, detail=f"{', '.join(missing)} is still missing"
            )
        async with Http(contact=settings.contact) as http:
            source: Source = row.make(http, asked)
            outcome, detail = await source.check(now)
            return Trial(outcome=outcome, detail=detail, terms_class=source.describe().terms_class)
    except FenghuoError as error:
        return Trial(outcome=Outcome.SCHEMA_CHANGED, detail=str(error))


async def keep(
    store: Store,
    row: SourceRow,
    given: Mapping[str, str],
    *,
    by: str,
    why: str,
    now: datetime,
) -> None:
    """Keep what was GIVEN for ROW; empty values and defaults are left out."""
    defaults = {s.name: s.default for s in row.settings}
    values = {
        name: value.strip()
        for name, value in given.items()
        if name in defaults and value.strip() and value.strip() != defaults[name]
    }
    await store.set_source(row.name, values, by=by, why=why, now=now)
