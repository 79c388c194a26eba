"""How much was said, about what, by whom. All times by publish time, half-open [start, end)."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import BigInteger, ColumnElement, Row, Select, func, select, tuple_, type_coerce

from watchers.coordination import Voice
from watchers.match import split_quoted
from watchers.model import Author, Kind, Post, Quote, Tone
from watchers.store.database import Reader, chunks
from watchers.store.part import Part, load
from watchers.store.rows import Hour, Minute, Spread, TypeTally, Window
from watchers.store.schema import Instant, detectors, hits, mentions, minutes, posts

SECOND = 1_000_000  # microseconds
HOUR = 3_600 * SECOND
ONE_HOUR = timedelta(hours=1)
SHARED_WITHIN = timedelta(hours=6)  # the reposts of an older post say little of this hour
Order = Literal["reach", "first", "newest", "negative"]
ORDERS: dict[Order, tuple[ColumnElement[object], ...]] = {
    "reach": (
        (func.coalesce(posts.c.followers, 0) + 100 * func.coalesce(posts.c.reposts, 0)).desc(),
        mentions.c.at,
    ),
    "first": (mentions.c.at, mentions.c.post),
    "newest": (mentions.c.at.desc(), mentions.c.post.desc()),
    "negative": (posts.c.negative.desc(), mentions.c.at),
}


class Counting(Part):
    """Counts and quotes for decisions, checks and charts."""

    async def minutes(
        self, client: str, source: str, start: datetime, end: datetime
    ) -> tuple[Minute, ...]:
        """Return the minutes in which something was said, oldest first."""
        async with self._db.reading() as conn:
            rows = await conn.execute(
                select(minutes.c.at, minutes.c.posts, minutes.c.negatives, minutes.c.raw)
                .where(
                    minutes.c.client == client,
                    minutes.c.source == source,
                    minutes.c.at >= start,
                    minutes.c.at < end,
                )
                .order_by(minutes.c.at)
            )
            return tuple(
                Minute(at=at, posts=count, negatives=negatives, raw=raw)
                for at, count, negatives, raw in rows
            )

    async def hours(
        self, client: str, source: str, start: datetime, end: datetime
    ) -> tuple[Hour, ...]:
        """Return the hours in which something was said, oldest first."""
        at = type_coerce(minutes.c.at, BigInteger)
        hour = type_coerce(at - at % HOUR, Instant)
        async with self._db.reading() as conn:
            rows = await conn.execute(
                select(hour, func.sum(minutes.c.posts), func.sum(minutes.c.negatives))
                .where(
                    minutes.c.client == client,
                    minutes.c.source == source,
                    minutes.c.at >= start,
                    minutes.c.at < end,
                    minutes.c.posts > 0,
                )
                .group_by(hour)
                .order_by(hour)
            )
            return tuple(Hour(at=at, posts=count, negatives=bad) for at, count, bad in rows)

    async def window(
        self, client: str, start: datetime, end: datetime, *, source: str | None = None
    ) -> Window:
        """Count CLIENT's posts in [START, END), at SOURCE or everywhere."""
        lead = mentions.c.lead
        async with self._db.reading() as conn:
            row = (
                await conn.execute(
                    select(
                        func.count(mentions.c.post).filter(lead),
                        func.count(mentions.c.post),
                        func.count(mentions.c.author.distinct()).filter(lead),
                        func.count(mentions.c.post).filter(lead, mentions.c.negative),
                        func.count(mentions.c.author.distinct()).filter(lead, mentions.c.negative),
                        func.count(mentions.c.author.distinct()).filter(
                            lead, mentions.c.professional
                        ),
                    ).where(*_within(client, start, end, source))
                )
            ).one()
        return Window(
            posts=row[0],
            raw=row[1],
            authors=row[2],
            negatives=row[3],
            negative_authors=row[4],
            professionals=row[5],
        )

    async def tally(
        self, client: str, start: datetime, end: datetime, *, source: str | None = None
    ) -> tuple[TypeTally, ...]:
        """Count what crisis types the posts speak of, most posts first."""
        async with self._db.reading() as conn:
            rows = await conn.execute(
                select(
                    hits.c.type,
                    hits.c.strong,
                    hits.c.terms,
                    mentions.c.author,
                    mentions.c.professional,
                )
                .join(mentions, mentions.c.post == hits.c.post)
                .where(mentions.c.lead, *_within(client, start, end, source))
            )
            found = list(rows)
        return _tallies(found)

    async def quotes(
        self,
        client: str,
        start: datetime,
        end: datetime,
        *,
        limit: int = 5,
        by: Order = "reach",
        source: str | None = None,
        types: Sequence[str] = (),
        professional: bool | None = None,
        kinds: Sequence[Kind] | None = None,
        copies: bool = False,
    ) -> tuple[Quote, ...]:
        """Return posts as alerts may show them: firsts of their clusters, not deleted.

        With COPIES the others too. Posts whose publish time is not known are among them, with the
        latest it can be.
        """
        query: Select[tuple[object, ...]] = (
            select(posts)
            .join(mentions, mentions.c.post == posts.c.id)
            .where(
                posts.c.deleted_at.is_(None),
                *_within(client, start, end, source, dated=False),
            )
            .order_by(*ORDERS[by])
            .limit(limit)
        )
        if not copies:
            query = query.where(mentions.c.lead)
        if types:
            about = select(hits.c.post).where(hits.c.type.in_(types))
            query = query.where(posts.c.id.in_(about))
        if professional is not None:
            query = query.where(posts.c.professional == professional)
        if kinds is not None:
            query = query.where(posts.c.kind.in_(kinds))
        async with self._db.reading() as conn:
            rows = (await conn.execute(query)).all()
            return await _quotes(conn, client, rows)

    async def spreads(
        self, client: str, source: str, now: datetime, *, least: int
    ) -> tuple[Spread, ...]:
        """Return what at least LEAST people repeated in the last hour, the most repeated first.

        A post of the last six hours counts by the source's own number of reposts too, an hour.
        """
        people = func.count(mentions.c.author.distinct())
        repeated = (
            select(
                posts.c.cluster,
                people,
                func.count(),
                func.count().filter(mentions.c.negative),
            )
            .join(mentions, mentions.c.post == posts.c.id)
            .where(*_within(client, now - ONE_HOUR, now, source))
            .group_by(posts.c.cluster)
            .having(people >= least)
        )
        shared = (
            select(posts)
            .join(mentions, mentions.c.post == posts.c.id)
            .where(
                mentions.c.lead,
                posts.c.reposts >= least,
                *_within(client, now - SHARED_WITHIN, now, source),
            )
        )
        async with self._db.reading() as conn:
            seen = {row[0]: tuple(row[1:]) for row in await conn.execute(repeated)}
            leads = {row.cluster: row for row in await conn.execute(shared) if row.leads}
            firsts = [tuple(cluster.split(":", 1)) for cluster in seen.keys() - leads.keys()]
            for part in chunks(firsts):
                query = select(posts).where(
                    tuple_(posts.c.source, posts.c.post_id).in_(list(part)),
                    posts.c.deleted_at.is_(None),
                )
                leads |= {row.cluster: row for row in await conn.execute(query)}
            quotes = await _quotes(conn, client, list(leads.values()))
        found = []
        for (cluster, row), quote in zip(leads.items(), quotes, strict=True):
            authors, count, negatives = seen.get(cluster, (0, 0, 0))
            pace = int((row.reposts or 0) / max((now - row.at) / ONE_HOUR, 1.0))
            if row.at < now - SHARED_WITHIN:
                pace = 0
            found.append(
                Spread(
                    lead=quote,
                    cluster=cluster,
                    people=max(authors, pace),
                    posts=count,
                    negatives=negatives,
                )
            )
        enough = [s for s in found if s.people >= least]
        return tuple(sorted(enough, key=lambda s: (-s.people, s.cluster)))

    async def young_authors(
        self, client: str, source: str, start: datetime, end: datetime, *, since: datetime
    ) -> int | None:
        """Count who posted in [START, END) from an account made after SINCE.

        None where the source does not say when accounts were made.
        """
        known = posts.c.account_since.is_not(None)
        young = posts.c.account_since >= since
        query = (
            select(
                func.count(mentions.c.author.distinct()).filter(known),
                func.count(mentions.c.author.distinct()).filter(young),
            )
            .join(posts, mentions.c.post == posts.c.id)
            .where(*_within(client, start, end, source))
        )
        async with self._db.reading() as conn:
            row = (await conn.execute(query)).one()
        return row[1] if row[0] else None

    async def clustered(self, since: datetime, *, limit: int) -> tuple[tuple[Post, str], ...]:
        """Return what clusters know posts by, and their clusters: since SINCE, oldest first.

        The newest LIMIT of them. What a repost repeats is not stored, nor names and counts given.
        """
        query = (
            select(posts)
            .where(posts.c.at >= since, posts.c.deleted_at.is_(None))
            .order_by(posts.c.at.desc(), posts.c.id.desc())
            .limit(limit)
        )
        async with self._db.reading() as conn:
            rows = (await conn.execute(query)).all()
        return tuple((_post(row), row.cluster) for row in reversed(rows))

    async def stored_posts(self, start: datetime, end: datetime) -> tuple[Post, ...]:
        """Return the posts of all clients published between START and END, oldest first.

        As far as they are stored: the first 280 characters, deleted ones not at all.
        """
        query = (
            select(posts)
            .where(posts.c.at >= start, posts.c.at < end, posts.c.deleted_at.is_(None))
            .order_by(posts.c.at, posts.c.id)
        )
        async with self._db.reading() as conn:
            return tuple(_post(row) for row in await conn.execute(query))

    async def voices(
        self, client: str, start: datetime, end: datetime, *, source: str, limit: int = 5000
    ) -> tuple[Voice, ...]:
        """Return the newest LIMIT posts in their authors' own words, copies among them.

        Left out are reposts, replies, articles and what was deleted at the source.
        """
        query = (
            select(posts, mentions.c.author)
            .join(mentions, mentions.c.post == posts.c.id)
            .where(
                posts.c.kind == Kind.POST,
                posts.c.deleted_at.is_(None),
                mentions.c.quoted.is_(False),
                *_within(client, start, end, source),
            )
            .order_by(mentions.c.at.desc(), mentions.c.post.desc())
            .limit(limit)
        )
        async with self._db.reading() as conn:
            rows = (await conn.execute(query)).all()
        return tuple(
            Voice(
                author=row.author,
                at=row.at if row.precision_us <= SECOND else None,
                text=row.cluster,
                followers=row.followers,
                age=None if row.account_since is None else row.at - row.account_since,
            )
            for row in rows
            if not split_quoted(row.excerpt)[1]
        )

    async def first_at(self, client: str, source: str) -> datetime | None:
        """Return the first publish time recorded of CLIENT at SOURCE."""
        async with self._db.reading() as conn:
            found: datetime | None = await conn.scalar(
                select(minutes.c.at)
                .where(minutes.c.client == client, minutes.c.source == source)
                .order_by(minutes.c.at)
                .limit(1)
            )
        return found

    async def detector(self, client: str, source: str) -> bytes | None:
        """Return the state of one detector."""
        async with self._db.reading() as conn:
            found: bytes | None = await conn.scalar(
                select(detectors.c.state).where(
                    detectors.c.client == client, detectors.c.source == source
                )
            )
        return found

    async def detectors(self) -> dict[tuple[str, str], bytes]:
        """Return the state of every detector by (client, source)."""
        async with self._db.reading() as conn:
            rows = await conn.execute(select(detectors))
            return {(row.client, row.source): row.state for row in rows}


async def _quotes(conn: Reader, client: str, rows: Sequence[Row[Any]]) -> tuple[Quote, ...]:
    """Return ROWS of posts as alerts may show them, each with the size of its cluster."""
    if not rows:
        return ()
    counted = await conn.execute(
        select(posts.c.cluster, func.count())
        .join(mentions, mentions.c.post == posts.c.id)
        .where(
            mentions.c.client == client,
            posts.c.cluster.in_([row.cluster for row in rows]),
        )
        .group_by(posts.c.cluster)
    )
    sizes: dict[str, int] = {row[0]: row[1] for row in counted}
    ids = [row.id for row in rows]
    named: defaultdict[int, list[str]] = defaultdict(list)
    for post, kind in await conn.execute(
        select(hits.c.post, hits.c.type).where(hits.c.post.in_(ids)).order_by(hits.c.rank)
    ):
        named[post].append(kind)
    return tuple(
        Quote(
            source=row.source,
            post_id=row.post_id,
            url=row.url,
            text=row.excerpt,
            who=row.publisher or row.display or row.handle,
            followers=row.followers,
            verified=row.verified,
            at=row.at,
            reposts=row.reposts,
            negative=row.negative,
            cluster_size=sizes.get(row.cluster, 1),
            kind=Kind(row.kind),
            types=tuple(named[row.id]),
            tone=Tone(row.tone),
        )
        for row in rows
    )


def _within(
    client: str, start: datetime, end: datetime, source: str | None, *, dated: bool = True
) -> list[ColumnElement[bool]]:
    """DATED leaves out what has no publish time: it may be quoted, but never counted."""
    found: list[ColumnElement[bool]] = [
        mentions.c.client == client,
        mentions.c.at >= start,
        mentions.c.at < end,
    ]
    if dated:
        found.append(mentions.c.dated)
    if source is not None:
        found.append(mentions.c.source == source)
    return found


def _tallies(rows: Sequence[tuple[str, bool, str, str, bool]]) -> tuple[TypeTally, ...]:
    by_type: defaultdict[str, list[tuple[str, bool, str, str, bool]]] = defaultdict(list)
    for row in rows:
        by_type[row[0]].append(row)
    tallies = []
    for kind, found in by_type.items():
        terms: Counter[str] = Counter(t for row in found for t in load(row[2], tuple[str, ...]))
        strong = [row for row in found if row[1]]
        tallies.append(
            TypeTally(
                type=kind,
                posts=len(found),
                strong=len(strong),
                authors=len({row[3] for row in found}),
                strong_authors=len({row[3] for row in strong}),
                strong_professionals=len({row[3] for row in strong if row[4]}),
                terms=tuple(term for term, _ in terms.most_common(8)),
            )
        )
    return tuple(sorted(tallies, key=lambda t: (-t.posts, -t.strong, t.type)))


def _post(row: Row[Any]) -> Post:
    return Post(
        source=row.source,
        id=row.post_id,
        url=row.url,
        text=row.excerpt,
        author=Author(
            id=row.author_id,
            handle=row.handle,
            display=row.display,
            followers=row.followers,
            verified=row.verified,
        ),
        created_at=row.created_at,
        created_precision=timedelta(microseconds=row.precision_us),
        retrieved_at=row.retrieved_at,
        reposts=row.reposts,
        comments=row.comments,
        likes=row.likes,
        parent_id=row.parent_id,
        kind=Kind(row.kind),
        lang=row.lang,
        partial_text=row.partial_text,
        publisher=row.publisher,
        terms_class=row.terms_class,
    )
