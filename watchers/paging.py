"""One round at a source that answers newest first, page by page. Knows no source.

A round is complete when it came back to what is known already, or when the source has no more.
Otherwise the stretch it did not reach is kept as a gap, and later rounds fill it. The watermark
moves with complete rounds alone (sources.md 3.2).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol

from watchers.http import SourceTrouble
from watchers.model import Gap, Outcome, Page, Post, Reach, Watermark

Position = int | str  # where a page begins: its number, or the source's own cursor

FILLED_FOR = timedelta(hours=24)  # after that a gap is no longer asked for
REMEMBERED_FOR = timedelta(days=7)  # after that a gap is forgotten


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """One page: posts newest first, and where the next begins; None: there is no more."""

    posts: tuple[Post, ...]
    next: Position | None
    requests: int = 1
    deleted: tuple[str, ...] = ()
    total: int | None = None
    note: str = ""
    lacks: str = ""  # what of it the source did not give; the round is partial then

    @property
    def newest(self) -> datetime | None:
        return max((p.created_at for p in self.posts if p.created_at), default=None)

    @property
    def oldest(self) -> datetime | None:
        """The newest of the last three dated posts: how far the page reaches for certain.

        A pinned, backdated or late post proves nothing; public Mastodon timelines hold some.
        """
        times = [p.created_at for p in self.posts if p.created_at]
        return max(times[-3:], default=None)

    def before(self, floor: datetime) -> bool:
        """Does the page reach back behind FLOOR?"""
        return self.oldest is not None and self.oldest < floor


class Reader(Protocol):
    """How one query is read at one source."""

    query: str
    start: Position
    overlap: timedelta
    lag: timedelta  # how long a post takes into the source's index, as a rule

    async def fetch(self, position: Position) -> Batch:
        """Return the page at POSITION; raises SourceTrouble."""

    def jump(self, gap: Gap, depth: Position | None, pages: int) -> Position | None:
        """Return where GAP is likely to begin: it was DEPTH, and PAGES were read above since."""


@dataclass(frozen=True, slots=True)
class Known:
    """The ids a query brought of late, with their times, and where its newest gap began."""

    ids: dict[str, datetime] = field(default_factory=dict)
    depth: Position | None = None


class Memory:
    """The ids each query brought of late, so that a page of nothing but these ends a round.

    Without it a burst of posts would be read anew for the whole overlap, round after round. What
    is remembered counts only for the very watermark it led to: where a round was lost before it
    was stored, the next one reads the overlap in full.
    """

    def __init__(self, queries: int = 2000, ids: int = 2000) -> None:
        self._queries, self._ids = queries, ids  # how many are kept
        self._kept: dict[str, tuple[Watermark, Known]] = {}

    def known(self, query: str, since: Watermark) -> Known:
        """Return what is known at SINCE."""
        watermark, known = self._kept.get(query, (None, Known()))
        return known if watermark == since else Known()

    def keep(self, query: str, watermark: Watermark, known: Known) -> None:
        """Remember KNOWN, the newest of its ids, for the next round of QUERY."""
        newest = sorted(known.ids.items(), key=lambda pair: pair[1], reverse=True)[: self._ids]
        self._kept.pop(query, None)
        self._kept[query] = (watermark, Known(dict(newest), known.depth))
        if len(self._kept) > self._queries:
            del self._kept[next(iter(self._kept))]


async def read_round(
    reader: Reader,
    since: Watermark,
    *,
    now: datetime,
    max_pages: int,
    memory: Memory,
    reach: Reach = Reach.ROUND,
) -> Page:
    """Read from the newest post back to SINCE, then fill old gaps with the pages that are left.

    A LOOK stops at the first page that holds nothing known; a GAP fills the newest gap alone.
    """
    known = memory.known(reader.query, since)
    work = _Round(reader, now, max_pages, known)
    read = _read_gap if reach is Reach.GAP else _read
    page = await read(reader, since, work, once=reach is Reach.LOOK)
    if work.pages:
        ids = known.ids | {p.id: p.at for p in page.posts}
        memory.keep(reader.query, page.watermark, Known(ids, work.depth))
    return page


async def _read(reader: Reader, since: Watermark, work: "_Round", *, once: bool) -> Page:
    now = work.now
    newest = since.ahead or since.at
    floor = newest - reader.overlap if newest else None
    reached = await work.read(floor, once=once)
    if work.trouble is not None and not work.pages:
        return failed(since, work.trouble, requests=work.requests)
    gaps = [g for g in since.gaps if g.end > now - REMEMBERED_FOR]
    if not reached and floor is not None:
        end = work.oldest or now
        gaps.append(Gap(start=min(floor, end), end=end))
    elif reached and not once:
        gaps = [g for gap in _newest_first(gaps) for g in await work.fill(gap)]
    return work.page(since, merge(gaps), reached=reached)


async def _read_gap(reader: Reader, since: Watermark, work: "_Round", *, once: bool) -> Page:
    """Fill the newest gap; what is newer than the last look stays unknown."""
    del reader, once
    gaps = _newest_first(g for g in since.gaps if g.end > work.now - REMEMBERED_FOR)
    left = [g for gap in gaps[:1] for g in await work.fill(gap)]
    if work.trouble is not None and not work.pages:
        return failed(since, work.trouble, requests=work.requests)
    return work.page(since, merge([*left, *gaps[1:]]), reached=False)


def failed(since: Watermark, trouble: SourceTrouble, *, requests: int | None = None) -> Page:
    """Return a round that brought nothing but TROUBLE."""
    return Page(
        posts=(),
        watermark=since,
        outcome=trouble.outcome,
        requests=trouble.requests if requests is None else requests,
        until=trouble.until,
        detail=trouble.detail,
    )


def one_page(
    query: str,
    since: Watermark,
    posts: Iterable[Post],
    *,
    now: datetime,
    full: bool,
    lag: timedelta,
    memory: Memory,
    requests: int = 1,
    detail: str = "",
) -> Page:
    """Return a round at a source that gives one page of a query, and no way to older posts.

    The page is the round. Where it is FULL of posts that are all new, some were missed: they are a
    gap that nothing fills (sources.md 3.2).
    """
    known = memory.known(query, since).ids
    posts = sorted(posts, key=lambda p: p.at, reverse=True)
    times = [p.created_at for p in posts if p.created_at is not None and p.created_at <= now]
    news = (
        all(p.id not in known for p in posts)
        if known
        else min(times, default=now) > (since.at or now)
    )
    lost = full and since.at is not None and news
    covered = max(filter(None, (now - lag, since.covered_to)))
    gaps = [g for g in since.gaps if g.end > now - REMEMBERED_FOR]
    if lost and since.at is not None and times and times[-1] > since.at:
        gaps.append(Gap(start=since.at, end=times[-1]))
    if lost:
        detail = detail or "more posts came than one answer holds: ask more often, or more exactly"
    mark = replace(
        since,
        at=max(filter(None, (since.at, times[0] if times else covered))),
        id=posts[0].id if posts else since.id,
        covered_to=covered,
        gaps=merge(gaps),
    )
    memory.keep(query, mark, Known(known | {p.id: p.at for p in posts}))
    return Page(
        posts=tuple(posts),
        watermark=mark,
        outcome=Outcome.PARTIAL if lost else Outcome.OK if posts else Outcome.OK_EMPTY,
        requests=requests,
        detail=detail,
    )


def merge(gaps: Iterable[Gap]) -> tuple[Gap, ...]:
    """Return GAPS oldest first, those that touch made one."""
    merged: list[Gap] = []
    for gap in sorted(gaps, key=lambda g: g.start):
        if merged and gap.start <= merged[-1].end:
            merged[-1] = Gap(start=merged[-1].start, end=max(gap.end, merged[-1].end))
        else:
            merged.append(gap)
    return tuple(merged)


def _newest_first(gaps: Iterable[Gap]) -> list[Gap]:
    return sorted(gaps, key=lambda g: g.end, reverse=True)


def _caught_up(since: Watermark, gaps: tuple[Gap, ...]) -> Watermark:
    """Return the watermark once the last gap behind the looks is filled."""
    covered = max(filter(None, (since.ahead, since.covered_to)))
    newest = max(filter(None, (since.ahead, since.at)))
    return replace(since, at=newest, covered_to=covered, gaps=gaps, ahead=None)


class _Round:
    """The state of a round under way."""

    def __init__(self, reader: Reader, now: datetime, max_pages: int, known: Known) -> None:
        self.now = now
        self._reader, self._max, self._known = reader, max_pages, known
        self._posts: dict[str, Post] = {}
        self._deleted: dict[str, None] = {}
        self._notes: dict[str, None] = {}
        self._total: int | None = None
        self.depth = known.depth
        self.pages = self.requests = 0
        self.oldest: datetime | None = None
        self.trouble: SourceTrouble | None = None

    async def _get(self, position: Position) -> Batch | None:
        """Return the page at POSITION; None: no page is left to ask for, or it went wrong."""
        if self.pages >= self._max or self.trouble is not None:
            return None
        try:
            batch = await self._reader.fetch(position)
        except SourceTrouble as trouble:
            self.trouble = trouble
            self.requests += trouble.requests
            return None
        self.pages += 1
        self.requests += batch.requests
        for post in batch.posts:
            self._posts.setdefault(post.id, post)
        self._deleted |= dict.fromkeys(batch.deleted)
        self._notes |= dict.fromkeys(filter(None, [batch.note]))
        self._total = batch.total if self._total is None else self._total
        if batch.lacks:
            self.trouble = SourceTrouble(Outcome.PARTIAL, None, batch.lacks)
        return batch

    async def read(self, floor: datetime | None, *, once: bool = False) -> bool:
        """Read down to FLOOR; True if it was reached, or there is no more.

        ONCE: not beyond a page that holds nothing known. Without a floor the query is new: what the pages hold is where its history begins.
        """
        position: Position | None = self._reader.start
        last = position
        while position is not None:
            batch = await self._get(position)
            if batch is None:
                self.depth = last
                return floor is None and self.trouble is None
            last = position
            self.oldest = batch.oldest or self.oldest
            if floor is not None and (self._old(batch) or batch.before(floor)):
                return True
            if once and floor is not None and not self._joins(batch):
                self.depth = last
                return batch.next is None
            position = batch.next
        return self.trouble is None

    def _joins(self, batch: Batch) -> bool:
        """Is there a known post on the page?"""
        return any(p.id in self._known.ids for p in batch.posts)

    def _old(self, batch: Batch) -> bool:
        """Is there nothing but known posts on the page?"""
        return bool(batch.posts) and all(p.id in self._known.ids for p in batch.posts)

    async def fill(self, gap: Gap) -> tuple[Gap, ...]:
        """Read into GAP from its newer end; return what is left of it."""
        if gap.end < self.now - FILLED_FOR:
            return (gap,)
        position = self._reader.jump(gap, self.depth, max(self.pages, 1))
        seen: dict[Position, Batch] = {}
        joined = False  # with what is known above the gap
        while position is not None:
            batch = seen.get(position) or await self._get(position)
            if batch is None:
                return (gap,)
            seen[position] = batch
            self.depth = position
            short = batch.newest is None or batch.newest < gap.end
            if not joined and short and isinstance(position, int) and position > 1:
                position -= 1  # jumped too far: the end of the gap lies on an earlier page
                continue
            joined = True
            if batch.oldest is not None:
                gap = Gap(start=gap.start, end=min(gap.end, batch.oldest))
                if batch.oldest < gap.start or gap.end <= gap.start:
                    return ()
            position = batch.next
        return ()

    def page(self, since: Watermark, gaps: tuple[Gap, ...], *, reached: bool) -> Page:
        """Return what the round brought, with the next watermark."""
        posts = sorted(self._posts.values(), key=lambda p: p.at, reverse=True)
        dated = [p for p in posts if p.created_at and p.created_at <= self.now]
        newest = dated[0] if dated else None
        open_ = [g for g in gaps if g.end >= self.now - FILLED_FOR]
        complete = reached and not open_
        if not reached and not open_ and self.trouble is None and since.ahead is not None:
            watermark = _caught_up(since, gaps)
            outcome = Outcome.OK if posts or self._deleted else Outcome.OK_EMPTY
        elif complete:
            watermark = self._complete(since, newest, gaps)
            outcome = Outcome.OK if posts or self._deleted else Outcome.OK_EMPTY
        else:
            tops = [t for t in (newest and newest.created_at, since.ahead) if t and since.at]
            watermark = replace(since, gaps=gaps, ahead=max(tops, default=None))
            outcome = Outcome.PARTIAL
        return Page(
            posts=tuple(p for p in posts if p.id not in self._deleted),
            watermark=watermark,
            outcome=outcome,
            requests=self.requests,
            until=self.trouble.until if self.trouble else None,
            detail=self._detail(open_, complete=complete),
            deleted=tuple(self._deleted),
            total=self._total,
        )

    def _complete(self, since: Watermark, newest: Post | None, gaps: tuple[Gap, ...]) -> Watermark:
        covered = max(filter(None, (self.now - self._reader.lag, since.covered_to)))
        at = newest.created_at if newest else covered
        newer = since.at is None or (at is not None and at >= since.at)
        return replace(
            since,
            at=at if newer else since.at,
            id=newest.id if newest and newer else since.id,
            covered_to=covered,
            gaps=gaps,
            ahead=None,
        )

    def _detail(self, gaps: list[Gap], *, complete: bool) -> str:
        notes = list(self._notes)
        if self.trouble is not None:
            notes.append(f"stopped after page {self.pages}: {self.trouble.detail}")
        elif not complete and gaps:
            notes.append(
                f"more posts than {self._max} pages hold: not read yet from "
                f"{gaps[0].start:%d %b %H:%M} to {gaps[-1].end:%d %b %H:%M} UTC"
            )
        return "; ".join(notes)
