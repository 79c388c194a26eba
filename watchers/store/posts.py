"""What a round brings: posts, why they matter, and the one-minute rollups, in one transaction."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from watchers.errors import NoSuchRow
from watchers.model import Health, Mention, Post, Scored, Tone, Watch
from watchers.store.database import chunks
from watchers.store.part import dump
from watchers.store.schema import audit, corrections, hits, mentions, minutes, objections, posts
from watchers.store.settings import SettingsKept

EXCERPT = 280  # characters of a post that are stored; the whole text lives in memory alone
DATED = timedelta(hours=1)  # a publish time vaguer than this is no place on a chart
NEGATIVE = 0.5


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
            for source, post_id in deleted:
                await self._delete(conn, source, post_id, now)
            if watch is not None:
                await self.put_watch(conn, watch)
            if health is not None:
                await self.put_health(conn, health)
            return len(fresh)

        return await self._db.write(work)

    async def _without_objections(
        self, conn: AsyncConnection, scored: Sequence[Scored]
    ) -> list[Scored]:
        authors = {(s.post.source, s.post.author.id) for s in scored}
        refused: set[tuple[str, str]] = set()
        for part in chunks(sorted({author for _, author in authors})):
            rows = await conn.execute(
                select(objections.c.source, objections.c.author_id).where(
                    objections.c.author_id.in_(part)
                )
            )
            refused.update((source, author) for source, author in rows)
        return [s for s in scored if (s.post.source, s.post.author.id) not in refused]

    async def _insert_posts(
        self, conn: AsyncConnection, scored: Sequence[Scored]
    ) -> dict[tuple[str, str], int]:
        """Insert what is new and renew the counts of the rest; return the new posts' ids."""
        rows = {s.post.key: _post_row(s) for s in scored}
        fresh: dict[tuple[str, str], int] = {}
        for part in chunks(list(rows.values()), 1000):
            put = (
                self._db.insert(posts)
                .on_conflict_do_nothing(index_elements=["source", "post_id"])
                .returning(posts.c.id, posts.c.source, posts.c.post_id)
            )
            found = await conn.execute(put, list(part))
            fresh.update({(source, post_id): id_ for id_, source, post_id in found})
        for key, row in rows.items():
            if key not in fresh:
                await conn.execute(
                    update(posts)
                    .where(posts.c.source == key[0], posts.c.post_id == key[1])
                    .values({n: row[n] for n in ("reposts", "comments", "likes") if row[n] is not None}
                            or {"terms_class": row["terms_class"]})
                )  # fmt: skip
        return fresh

    async def _insert_findings(
        self, conn: AsyncConnection, scored: Sequence[Scored], fresh: dict[tuple[str, str], int]
    ) -> None:
        """Insert mentions and types of the new posts, and count them in their minutes."""
        mention_rows, hit_rows = [], []
        counted: Counter[tuple[str, str, datetime, str]] = Counter()
        seen: set[tuple[str, str]] = set()
        for found in scored:
            id_ = fresh.get(found.post.key)
            if id_ is None or found.post.key in seen:
                continue
            seen.add(found.post.key)
            hit_rows += [
                {
                    "post": id_,
                    "type": h.type,
                    "rank": rank,
                    "strong": h.strong,
                    "terms": dump(h.terms),
                }
                for rank, h in enumerate(found.types)
            ]
            rows = [_mention_row(found, m, id_) for m in found.mentions]
            mention_rows += rows
            for row in rows:
                if row["dated"]:
                    minute = row["at"].replace(second=0, microsecond=0)
                    place = (row["client"], row["source"], minute)
                    counted[*place, "raw"] += 1
                    counted[*place, "posts"] += row["lead"]
                    counted[*place, "negatives"] += row["lead"] and row["negative"]
        if mention_rows:
            await conn.execute(insert(mentions), mention_rows)
        if hit_rows:
            await conn.execute(insert(hits), hit_rows)
        await self._count(conn, counted)

    async def _count(
        self, conn: AsyncConnection, counted: Counter[tuple[str, str, datetime, str]]
    ) -> None:
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

    async def _delete(
        self, conn: AsyncConnection, source: str, post_id: str, now: datetime
    ) -> None:
        """What is deleted at the source is emptied here: the count stays, the words go."""
        await conn.execute(
            update(posts)
            .where(posts.c.source == source, posts.c.post_id == post_id)
            .values(deleted_at=now, excerpt="", handle="", display="", author_id="")
        )

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
            value = 1.0 if tone is Tone.NEGATIVE else 0.0
            await conn.execute(update(posts).where(here).values(tone=tone, negative=value))
            await conn.execute(
                insert(audit).values(
                    at=now, who=by, what="tone corrected", detail=f"{source}:{post_id} {tone}"
                )
            )

        await self._db.write(work)

    async def _recount(self, conn: AsyncConnection, post: int, *, negative: bool) -> None:
        rows = (await conn.execute(select(mentions).where(mentions.c.post == post))).all()
        counted: Counter[tuple[str, str, datetime, str]] = Counter()
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


def _post_row(scored: Scored) -> dict[str, Any]:
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
        "professional": post.author.professional,
        "publisher": post.publisher,
        "created_at": post.created_at,
        "precision_us": post.created_precision // timedelta(microseconds=1),
        "retrieved_at": post.retrieved_at,
        "at": post.at,
        "reposts": post.reposts,
        "comments": post.comments,
        "likes": post.likes,
        "parent_id": post.parent_id,
        "lang": post.lang,
        "partial_text": post.partial_text,
        "terms_class": post.terms_class,
        "negative": scored.negative,
        "tone": scored.tone,
        "cluster": scored.cluster,
        "leads": scored.leads,
    }


def _excerpt(post: Post) -> str:
    text = post.text or post.quoted
    return text if len(text) <= EXCERPT else text[: EXCERPT - 1] + "…"


def _mention_row(scored: Scored, mention: Mention, id_: int) -> dict[str, Any]:
    post = scored.post
    return {
        "client": mention.client,
        "post": id_,
        "source": post.source,
        "at": post.at,
        "author": f"{post.source}:{post.author.id}",
        "professional": post.author.professional,
        "negative": scored.negative >= NEGATIVE,
        "term": mention.term,
        "found": mention.found,
        "kind": mention.kind,
        "companion": mention.companion,
        "quoted": mention.quoted,
        "lead": scored.leads and not mention.quoted,
        "dated": post.created_at is not None and post.created_precision <= DATED,
    }
