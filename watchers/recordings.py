"""Recordings of posts: JSON lines, gzip too, to posts in file order. Knows no source and no store.

One object a line: `id, platform, created_at (ISO 8601 with zone), text, user{id, name, followers,
verified}, reposts, comments, likes, url, keyword`, null where unknown; `kind`, `parent_id`,
`quoted`, `lang` and `observed_at` are read where they stand; a repost without `quoted` repeats the
text of its parent, if that came before. Counts are kept as given: a crawler's
are those at crawl time, not at post time.
"""

import gzip
import zlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from io import BufferedReader
from pathlib import Path
from typing import Annotated

import msgspec

from watchers.errors import BadRecording
from watchers.model import Author, Kind, Post
from watchers.sitetext import address, count, tidy

ORIGINALS = 50_000  # texts that are remembered for the posts that repeat them
NAMED_FAULTS = 5  # bad lines that are named; the rest is counted
LONGEST_LINE = 4 * 1024 * 1024  # bytes
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)  # retrieval time of undated posts before any other
KINDS = {"comment": Kind.REPLY, "video": Kind.POST} | {kind.value: kind for kind in Kind}
NOTE = "one JSON object a line with id, created_at (ISO 8601 with zone) and text"

When = Annotated[datetime, msgspec.Meta(tz=True)]
Number = int | float | str  # "11万" is read as well


class _User(msgspec.Struct):
    id: str | int | None = None
    name: str | None = None
    followers: Number | None = None
    verified: bool | None = None


class _Line(msgspec.Struct):
    id: str | int
    text: str | None
    created_at: When | None
    platform: str | None = None
    user: _User | None = None
    reposts: Number | None = None
    comments: Number | None = None
    likes: Number | None = None
    url: str | None = None
    kind: str | None = None
    parent_id: str | int | None = None
    quoted: str | None = None
    lang: str | None = None
    observed_at: When | None = None


class Recording:
    """A recording on disk; iterate for its posts. `skipped` counts the lines left out, `faults`
    names the first of them.

    Raises BadRecording with file and line, or leaves bad lines out where SKIP_BAD says so.
    """

    def __init__(self, path: Path, *, skip_bad: bool = False) -> None:
        self.path = path
        self.skip_bad = skip_bad
        self.skipped = 0
        self.faults: list[str] = []

    def __iter__(self) -> Iterator[Post]:
        self.skipped = 0
        self.faults = []
        decoder = msgspec.json.Decoder(_Line)
        last = BEGINNING
        said: dict[str, str] = {}  # the texts of what may be repeated, by id
        for number, raw in self._lines():
            try:
                post = _post(decoder.decode(raw), last)
            except (msgspec.DecodeError, RecursionError, ValueError, OverflowError) as error:
                self.skipped += 1
                if len(self.faults) < NAMED_FAULTS:
                    self.faults.append(self._fault(number, error))
                if not self.skip_bad:
                    raise BadRecording(self._fault(number, error)) from None
            else:
                last = post.at
                yield _with_quoted(post, said)

    def _lines(self) -> Iterator[tuple[int, bytes]]:
        """Return the lines that hold anything, with their numbers from 1."""
        number = 0
        try:
            with self.path.open("rb") as file:
                lines = _unpacked(file)
                while raw := lines.readline(LONGEST_LINE):
                    number += 1
                    raw = raw.removeprefix(b"\xef\xbb\xbf").strip()
                    if raw:
                        yield number, raw
        except (OSError, EOFError, zlib.error) as error:
            where = self.path if number == 0 else f"{self.path}:{number + 1}"
            what = getattr(error, "strerror", None) or error
            detail = f"{where}: {what}; give a whole file of JSON lines, plain or gzip"
            raise BadRecording(detail) from None

    def _fault(self, number: int, error: Exception) -> str:
        return f"{self.path}:{number}: {error}; give {NOTE}"


def _with_quoted(post: Post, said: dict[str, str]) -> Post:
    """Give the repost POST the text it repeats, as a source does, where the recording has it."""
    if post.kind is not Kind.REPOST:
        said[post.id] = post.text
        if len(said) > ORIGINALS:
            del said[next(iter(said))]
        return post
    text = said.get(post.parent_id or "", "")
    if text:
        said[post.id] = text  # a repost of a repost repeats the same
    return post if post.quoted or not text else replace(post, quoted=text)


def _unpacked(file: BufferedReader) -> BufferedReader | gzip.GzipFile:
    """Return FILE, unpacked where need be: its first two bytes tell, not its name."""
    return gzip.GzipFile(fileobj=file) if file.peek(2)[:2] == b"\x1f\x8b" else file


def _post(row: _Line, last: datetime) -> Post:
    user = row.user or _User()
    created = row.created_at and row.created_at.astimezone(UTC)
    author_name = tidy(user.name)
    return Post(
        source=(row.platform or "recording").strip().lower(),
        id=str(row.id),
        url=address(row.url),
        text=tidy(row.text),
        author=Author(
            id=str(user.id) if user.id is not None else author_name,
            handle=author_name,
            display=author_name,
            followers=count(user.followers),
            verified=user.verified,
        ),
        created_at=created,
        retrieved_at=(row.observed_at and row.observed_at.astimezone(UTC)) or created or last,
        quoted=tidy(row.quoted),
        reposts=count(row.reposts),
        comments=count(row.comments),
        likes=count(row.likes),
        parent_id=None if row.parent_id is None else str(row.parent_id),
        kind=KINDS.get(row.kind or "post", Kind.POST),
        lang=row.lang,
    )
