"""What a round brings: posts, why they matter, and the one-minute rollups, in one transaction."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Text, and_, bindparam, cast, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from watchers.errors import NoSuchRow
from watchers.model import Health, Mention, Post, Scored, Tone, Watch
from watchers.store.database import chunks
from watchers.store.part import dump
from watchers.store.schema import audit, corrections, hits, mentions, minutes, objections, posts
from watchers.store.scrub import scrub
from watchers.store.settings import SettingsKept

EXCERPT = 280  # characters of a post that are stored; the whole text lives in memory alone
DATED = timedelta(hours=1)  # a publish time vaguer than this is no place on a chart

Key = tuple[str, str]  # (source, the source's own id)
Cell = tuple[str, str, datetime, str]  # (client, source, minute, what is counted)


@dataclass(frozen=True, slots=True)
class Stored:
    """What counting needs to know of a stored post."""

    id: int
    at: datetime
    dated: bool  # its publish time is known well enough for a chart
    author: str
    professional: bool
    negative: bool
    leads: bool


class Posts(SettingsKept):
    """Posts and what was found in them."""

    async def known(self, source: str, ids: Iterable[str]) -> set[str]:
        """Return those of IDS that are stored of SOURCE already."""
        found: set[str] = set()
        async with self._db.reading() as conn:
            for part in chunks(list(dict.fromkeys(ids))):
                rows = await conn.execute(
                    select(posts.c.post_id).where(
                        posts.c.source == source, posts.c.post_id.in_(part)
                    )
                )
                found.update(id_ for (id_,) in rows)
        return found

    async def record(
        self,
        scored: Sequence[Scored],
        *,
        now: datetime,
        watch: Watch | None = None,
        health: Health | None = None,
        deleted: Sequence[tuple[str, str]] = (),
    ) -> int:
        """Keep a round: posts, mentions, rollups, watermark, health, deletions. All or nothing.

        A post that is stored already only gets its counts renewed. Returns how many were new.
        """

        async def work(conn: AsyncConnection) -> int:
            kept = await self._without_objections(conn, scored)
            fresh = await self._insert_posts(conn, kept)
            await self._insert_findings(conn, kept, fresh)
            if deleted:
                await self._blank(conn, set(deleted), now)
            if watch is not None:
                await self.put_watches(conn, [watch])
            if health is not None:
                await self.put_health(conn, health)
            return len(fresh)

        return await self._db.write(work)

    async def _without_objections(
        self, conn: AsyncConnection, scored: Sequence[Scored]
    ) -> list[Scored]:
        """Leave out the posts of authors who objected, by id or by handle."""
        names = {name for s in scored for name in _names(s.post)}
        refused: set[Key] = set()
        for part in chunks(sorted({name for _, name in names})):
            rows = await conn.execute(
                select(objections.c.source, objections.c.author_id).where(
                    objections.c.author_id.in_(part)
                )
            )
            refused.update((source, author) for source, author in rows)
        return [s for s in scored if refused.isdisjoint(_names(s.post))]

    async def _insert_posts(self, conn: AsyncConnection, scored: Sequence[Scored]) -> set[Key]:
        """Insert what is new and renew the counts of the rest; return the keys of the new."""
        corrected = await self._corrected(conn, [s.post.key for s in scored])
        rows = {s.post.key: _post_row(s, corrected.get(s.post.key)) for s in scored}
        fresh: set[Key] = set()
        put = (
            self._db.insert(posts)
            .on_conflict_do_nothing(index_elements=["source", "post_id"])
            .returning(posts.c.source, posts.c.post_id)
        )
        for part in chunks([rows[key] for key in sorted(rows)], 1000):
            fresh.update((source, id_) for source, id_ in await conn.execute(put, list(part)))
        again = [_seen_again(rows[key]) for key in sorted(rows.keys() - fresh)]
        if again:
            await conn.execute(_RENEW, again)
        return fresh

    async def _corrected(self, conn: AsyncConnection, keys: Sequence[Key]) -> dict[Key, Tone]:
        """Return what people said of the tone of KEYS; it outlives the posts."""
        found: dict[Key, Tone] = {}
        for part in chunks(sorted({post_id for _, post_id in keys})):
            rows = await conn.execute(
                select(corrections.c.source, corrections.c.post_id, corrections.c.tone).where(
                    corrections.c.post_id.in_(part)
                )
            )
            found |= {(source, post_id): Tone(tone) for source, post_id, tone in rows}
        return found

    async def _insert_findings(
        self, conn: AsyncConnection, scored: Sequence[Scored], fresh: set[Key]
    ) -> None:
        """Insert the types of FRESH posts and all new mentions, which count in their minutes.

        A post may be known when a client who is new asks for it: then the mention alone is new.
        """
        stored = await _stored(conn, [s.post.key for s in scored])
        hit_rows: dict[tuple[int, str], dict[str, Any]] = {}
        mention_rows: dict[tuple[str, int], dict[str, Any]] = {}
        for found in scored:
            post = stored.get(found.post.key)
            if post is None:
                continue  # an id that no database takes as it stands
            for rank, hit in enumerate(found.types if found.post.key in fresh else ()):
                row = {"post": post.id, "type": hit.type, "rank": rank, "strong": hit.strong}
                hit_rows.setdefault((post.id, hit.type), row | {"terms": dump(hit.terms)})
            for mention in found.mentions:
                row = _mention_row(found.post, mention, post)
                mention_rows.setdefault((mention.client, post.id), row)
        if hit_rows:
            await conn.execute(insert(hits), list(hit_rows.values()))
        if mention_rows:
            await self._insert_mentions(conn, mention_rows)

    async def _insert_mentions(
        self, conn: AsyncConnection, rows: Mapping[tuple[str, int], dict[str, Any]]
    ) -> None:
        put = (
            self._db.insert(mentions)
            .on_conflict_do_nothing(index_elements=["client", "post"])
            .returning(mentions.c.client, mentions.c.post)
        )
        counted: Counter[Cell] = Counter()
        for part in chunks([rows[key] for key in sorted(rows)], 1000):
            for client, post in await conn.execute(put, list(part)):
                row = rows[client, post]
                if row["dated"]:
                    place = (client, row["source"], row["at"].replace(second=0, microsecond=0))
                    counted[*place, "raw"] += 1
                    counted[*place, "posts"] += row["lead"]
                    counted[*place, "negatives"] += row["lead"] and row["negative"]
        await self._count(conn, counted)

    async def _count(self, conn: AsyncConnection, counted: Counter[Cell]) -> None:
        """Add to the one-minute rollups; negative numbers take away."""
        places = {key[:3] for key in counted}
        if not places:
            return
        rows = [
            {"client": c, "source": s, "at": at}
            | {what: counted[c, s, at, what] for what in ("posts", "negatives", "raw")}
            for c, s, at in sorted(places)
        ]
        put = self._db.insert(minutes)
        added = {
            what: minutes.c[what] + put.excluded[what] for what in ("posts", "negatives", "raw")
        }
        await conn.execute(
            put.on_conflict_do_update(index_elements=["client", "source", "at"], set_=added), rows
        )

    async def _blank(self, conn: AsyncConnection, keys: set[Key], now: datetime) -> None:
        """What is deleted at the source is emptied here: the count stays, words and names go."""
        stored = await _stored(conn, keys)
        nobody = "?" + cast(posts.c.id, Text)
        for part in chunks(sorted(s.id for s in stored.values())):
            await conn.execute(
                update(posts)
                .where(posts.c.id.in_(part), posts.c.deleted_at.is_(None))
                .values(
                    deleted_at=now, excerpt="", url="", handle="", display="", author_id=nobody,
                    publisher=None, parent_id=None, account_since=None,
                )
            )  # fmt: skip
            await conn.execute(
                update(mentions)
                .where(mentions.c.post.in_(part))
                .values(author="?" + cast(mentions.c.post, Text), found="")
            )
        await scrub(conn, stored.keys(), now)

    async def correct(
        self, source: str, post_id: str, tone: Tone, *, by: str, now: datetime
    ) -> None:
        """Let a person's TONE win over the model's for one post. Raises NoSuchRow."""

        async def work(conn: AsyncConnection) -> None:
            here = and_(posts.c.source == source, posts.c.post_id == post_id)
            row = (
                await conn.execute(select(posts.c.id, posts.c.tone, posts.c.negative).where(here))
            ).one_or_none()
            if row is None:
                raise NoSuchRow(f"post {source}:{post_id}")
            put = self._db.insert(corrections).values(
                source=source,
                post_id=post_id,
                tone=tone,
                model_tone=row.tone,
                model_negative=row.negative,
                who=by,
                at=now,
            )
            said = {"tone": put.excluded.tone, "who": put.excluded.who, "at": put.excluded.at}
            await conn.execute(
                put.on_conflict_do_update(index_elements=["source", "post_id"], set_=said)
            )
            await self._recount(conn, row.id, negative=tone is Tone.NEGATIVE)
            await conn.execute(update(posts).where(here).values(tone=tone, negative=_certain(tone)))
            await conn.execute(
                insert(audit).values(
                    at=now, who=by, what="tone corrected", detail=f"{source}:{post_id} {tone}"
                )
            )

        await self._db.write(work)

    async def corrected(self) -> tuple[tuple[Tone, str], ...]:
        """Return what people said of the tone of posts whose text is still kept, oldest first."""
        same = and_(
            posts.c.source == corrections.c.source, posts.c.post_id == corrections.c.post_id
        )
        query = (
            select(corrections.c.tone, posts.c.excerpt)
            .join(posts, same)
            .where(posts.c.excerpt != "", posts.c.deleted_at.is_(None))
            .order_by(corrections.c.at, posts.c.id)
        )
        async with self._db.reading() as conn:
            return tuple((Tone(tone), text) for tone, text in await conn.execute(query))

    async def _recount(self, conn: AsyncConnection, post: int, *, negative: bool) -> None:
        rows = (await conn.execute(select(mentions).where(mentions.c.post == post))).all()
        counted: Counter[Cell] = Counter()
        for row in rows:
            if row.lead and row.dated and row.negative != negative:
                minute = row.at.replace(second=0, microsecond=0)
                place = (row.client, row.source, minute)
                counted[*place, "negatives"] += 1 if negative else -1
        await self._count(conn, counted)
        await conn.execute(
            update(mentions).where(mentions.c.post == post).values(negative=negative)
        )

    async def drop_posts(self, conn: AsyncConnection, ids: Sequence[int]) -> None:
        """Delete the posts IDS with all that hangs on them; rollups stay as counts."""
        for part in chunks(ids):
            await conn.execute(delete(mentions).where(mentions.c.post.in_(part)))
            await conn.execute(delete(hits).where(hits.c.post.in_(part)))
            await conn.execute(delete(posts).where(posts.c.id.in_(part)))


def _post_row(scored: Scored, corrected: Tone | None) -> dict[str, Any]:
    post = scored.post
    named = post.author.professional or post.publisher is not None
    return {
        "source": post.source,
        "post_id": post.id,
        "url": post.url,
        "excerpt": _excerpt(post),
        "kind": post.kind,
        "author_id": post.author.id,
        "handle": post.author.handle,
        "display": post.author.display if named else "",
        "followers": post.author.followers,
        "verified": post.author.verified,
        "account_since": _day(post.author.since),
        "professional": post.author.professional,
        "publisher": post.publisher,
        "created_at": post.created_at,
        "precision_us": post.created_precision // timedelta(microseconds=1),
        "retrieved_at": post.retrieved_at,
        "at": _latest(post),
        "reposts": post.reposts,
        "comments": post.comments,
        "likes": post.likes,
        "parent_id": post.parent_id,
        "lang": post.lang,
        "partial_text": post.partial_text,
        "terms_class": post.terms_class,
        "negative": scored.negative if corrected is None else _certain(corrected),
        "tone": corrected or scored.tone,
        "cluster": scored.cluster,
        "leads": scored.leads,
    }


def _day(at: datetime | None) -> datetime | None:
    """Return the day of AT: enough to tell a young account, too little to find it by."""
    return None if at is None else at.replace(hour=0, minute=0, second=0, microsecond=0)


def _latest(post: Post) -> datetime:
    """Return the publish time, or where that is vague or unknown, the latest it can be."""
    if post.created_precision <= DATED or post.created_at is None:
        return post.at
    return max(post.created_at, min(post.created_at + post.created_precision, post.retrieved_at))


def _certain(tone: Tone) -> float:
    """Return the probability that stands for a person's word."""
    return 1.0 if tone is Tone.NEGATIVE else 0.0


def _excerpt(post: Post) -> str:
    text = post.text or post.quoted
    return text if len(text) <= EXCERPT else text[: EXCERPT - 1] + "…"


def _mention_row(post: Post, mention: Mention, stored: Stored) -> dict[str, Any]:
    """What a mention repeats of its post is as STORED: another sight must not count otherwise."""
    return {
        "client": mention.client,
        "post": stored.id,
        "source": post.source,
        "at": stored.at,
        "author": stored.author,
        "professional": stored.professional,
        "negative": stored.negative,
        "term": mention.term,
        "found": mention.found,
        "kind": mention.kind,
        "companion": mention.companion,
        "quoted": mention.quoted,
        "lead": stored.leads and not mention.quoted,
        "dated": stored.dated,
    }


def _names(post: Post) -> set[Key]:
    return {(post.source, post.author.id), (post.source, post.author.handle)}


_RENEW = (
    update(posts)
    .where(posts.c.source == bindparam("of_source"), posts.c.post_id == bindparam("of_id"))
    .values(
        {
            name: func.coalesce(bindparam(f"new_{name}", type_=BigInteger), posts.c[name])
            for name in ("reposts", "comments", "likes")
        }
    )
)


def _seen_again(row: Mapping[str, Any]) -> dict[str, Any]:
    counts = {f"new_{name}": row[name] for name in ("reposts", "comments", "likes")}
    return {"of_source": row["source"], "of_id": row["post_id"]} | counts


async def _stored(conn: AsyncConnection, keys: Iterable[Key]) -> dict[Key, Stored]:
    """Return what is stored under KEYS."""
    by_source: defaultdict[str, set[str]] = defaultdict(set)
    for source, post_id in keys:
        by_source[source].add(post_id)
    columns = [posts.c[name] for name in _OF_STORED]
    found: dict[Key, Stored] = {}
    for source, ids in by_source.items():
        for part in chunks(sorted(ids)):
            rows = await conn.execute(
                select(*columns).where(posts.c.source == source, posts.c.post_id.in_(part))
            )
            found |= {(source, row.post_id): _of_row(source, row) for row in rows}
    return found


_OF_STORED = (
    "id", "post_id", "at", "created_at", "precision_us", "author_id", "professional", "tone",
    "leads",
)  # fmt: skip


def _of_row(source: str, row: Any) -> Stored:
    precise = timedelta(microseconds=row.precision_us) <= DATED
    # an author the source does not name is somebody else each time, not one loud person
    return Stored(
        id=row.id,
        at=row.at,
        dated=row.created_at is not None and precise,
        author=f"{source}:{row.author_id or '?' + row.post_id}",
        professional=row.professional,
        negative=row.tone == Tone.NEGATIVE,
        leads=row.leads,
    )
