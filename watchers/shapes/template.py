"""Answers whose shape the operator describes: paths into their JSON (sources.md 4.13)."""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal, TypeVar

import msgspec

from watchers.errors import BadSetting
from watchers.model import Author, Kind, Post
from watchers.sitetext import address, count, fields, line, name, plain
from watchers.timetext import CHINA, Read, read_time

_PATH = re.compile(r"[\w-]+(?:\.[\w-]+)*")
Kept = TypeVar("Kept")
FORMATS = ("iso8601", "unix", "unix_ms", "text")


class Paths(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where things stand in an item; `items` and `next_cursor` in the whole answer."""

    items: str
    text: str
    id: str = ""
    title: str = ""
    url: str = ""
    created_at: str = ""
    author: str = ""
    author_id: str = ""
    followers: str = ""
    verified: str = ""
    repost: str = ""
    comment: str = ""
    like: str = ""
    publisher: str = ""
    parent_id: str = ""
    next_cursor: str = ""


class Shape(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How the items of an answer are read."""

    paths: Paths
    time_format: str = "iso8601"  # unix, unix_ms, text, or a pattern of strptime: %Y/%m/%d %H:%M
    kind: Literal["post", "article"] = "post"

    def faults(self) -> Iterator[str]:
        """Say what makes no sense."""
        for key in self.paths.__struct_fields__:
            path = getattr(self.paths, key)
            if path and not _PATH.fullmatch(path):
                yield f"paths.{key} is {path[:40]!r}: give keys joined by dots, as in data.list"
        if self.time_format not in FORMATS and "%" not in self.time_format:
            known = ", ".join(FORMATS)
            yield f"time_format is {self.time_format[:40]!r}: give {known}, or a pattern with %"


def at(value: object, path: str) -> object:
    """Return what stands in VALUE at PATH; None where nothing does."""
    for key in path.split(".") if path else ():
        if isinstance(value, list) and key.isdecimal():
            value = value[int(key)] if int(key) < len(value) else None
        else:
            value = fields(value).get(key)
    return value


def read_items(
    body: object, shape: Shape, source: str, now: datetime
) -> tuple[list[Post], int] | None:
    """Return the posts of BODY and how many items made no sense; None: there is no list."""
    found = at(body, shape.paths.items)
    if not isinstance(found, list):
        return None
    posts = [post for raw in found if (post := read_item(raw, shape, source, now)) is not None]
    return posts, len(found) - len(posts)


def read_item(raw: object, shape: Shape, source: str, now: datetime) -> Post | None:
    """Return the post that RAW is; None where it has neither text nor an id of any kind."""
    paths = shape.paths
    said = [line(_got(raw, paths.title)), plain(_got(raw, paths.text))]
    text = "\n".join(dict.fromkeys(filter(None, said)))
    url = address(_got(raw, paths.url))
    id_ = name(_got(raw, paths.id))[:200] or (url and _digest(url))
    if not isinstance(raw, dict) or not text or not id_:
        return None
    author = line(_got(raw, paths.author))[:100]
    publisher = line(_got(raw, paths.publisher))[:60] or None
    if shape.kind == "article":
        publisher = publisher or author or None
    created, precision = _time(_got(raw, paths.created_at), shape.time_format, now)
    verified = _got(raw, paths.verified)
    return Post(
        source=source,
        id=id_,
        url=url,
        text=text,
        author=Author(
            id=name(_got(raw, paths.author_id))[:200] or author,
            handle=author,
            display=author,
            followers=count(_got(raw, paths.followers)),
            verified=verified if isinstance(verified, bool) else None,
        ),
        created_at=created,
        created_precision=precision,
        retrieved_at=now,
        reposts=count(_got(raw, paths.repost)),
        comments=count(_got(raw, paths.comment)),
        likes=count(_got(raw, paths.like)),
        parent_id=name(_got(raw, paths.parent_id)) or None,
        kind=Kind(shape.kind),
        publisher=publisher,
        terms_class="provider",
    )


def read_config(settings: Mapping[str, str], setting: str, kind: type[Kept]) -> tuple[Kept, str]:
    """Return the configuration that SETTING gives, a file of JSON or JSON itself, and its name.

    Raises BadSetting that names the place in it.
    """
    text, where = settings.get(setting, "").strip(), setting
    if not text.startswith("{"):
        where = f"{setting} {text[:80]}"
        try:
            text = Path(text).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            told = f"{where}: it cannot be read ({type(error).__name__}); name a file of JSON"
            raise BadSetting(told) from None
    try:
        return msgspec.json.decode(text, type=kind), where
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        told = f"{where}: {error}"
        raise BadSetting(told) from None


def refuse(faults: Sequence[str], where: str) -> None:
    """Raise BadSetting with all FAULTS of the configuration at WHERE, if there are any."""
    if faults:
        told = f"{where}: " + "; ".join(faults)
        raise BadSetting(told)


def _got(raw: object, path: str) -> object:
    return at(raw, path) if path else None


def _time(value: object, pattern: str, now: datetime) -> Read:
    if "%" not in pattern:
        return read_time(value, now, UTC if pattern == "iso8601" else CHINA)
    try:
        found = datetime.strptime(str(value)[:80], pattern)  # noqa: DTZ007 -- the zone follows
    except (ValueError, OverflowError):
        return None, timedelta()
    found = found if found.tzinfo else found.replace(tzinfo=CHINA)
    try:
        return found.astimezone(UTC), timedelta(seconds=1) if "%S" in pattern else timedelta(
            minutes=1
        )
    except OverflowError:
        return None, timedelta()


def _digest(url: str) -> str:
    return hashlib.sha256(url.encode()).hexdigest()[:24]
