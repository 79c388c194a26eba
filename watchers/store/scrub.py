"""Words and names leave incidents and messages too, not only the posts they came from."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from watchers.model import Alert, AlertKind, Incident
from watchers.store.database import chunks
from watchers.store.part import dump, load
from watchers.store.rows import RowState
from watchers.store.schema import incidents, outbox, timeline

WITHDRAWN = "(withdrawn)"
AT_ONCE = 50  # posts looked for in one query

Key = tuple[str, str]  # (source, the source's own id)


async def scrub(conn: AsyncConnection, keys: Collection[Key], now: datetime) -> None:
    """Take what incidents and messages show of the posts KEYS out; their roots are edited."""
    for part in chunks(sorted(keys), AT_ONCE):
        quoted = [f'"post_id":{dump(post_id)}' for _, post_id in part]
        rows = await conn.execute(
            select(incidents)
            .where(or_(*(incidents.c.body.contains(q, autoescape=True) for q in quoted)))
            .with_for_update()
        )
        for row in rows.all():
            if await scrub_incident(conn, row, keys):
                await _show_again(conn, row.number, row.rev + 1, now)
        rows = await conn.execute(
            select(outbox.c.id, outbox.c.alert)
            .where(or_(*(outbox.c.alert.contains(q, autoescape=True) for q in quoted)))
            .with_for_update()
        )
        for id_, text in rows.all():
            alert = load(text, Alert)
            left = tuple(q for q in alert.quotes if (q.source, q.post_id) not in keys)
            await _put_alert(conn, id_, replace(alert, quotes=left))


async def scrub_incident(
    conn: AsyncConnection, row: Any, keys: Collection[Key] | None = None
) -> bool:
    """Take the posts KEYS (None: all) out of the incident in ROW; return whether it changed."""
    before = load(row.body, Incident)

    def meant(source: str, post_id: str) -> bool:
        return keys is None or (source, post_id) in keys

    gone = [p for p in before.proofs if p.url and meant(p.source, p.post_id)]
    lead = before.lead
    if lead is not None and meant(lead.source, lead.post_id):
        lead = None
    withdrawn = [e for e in before.echoes if meant(e.source, e.post_id)]
    if not gone and not withdrawn and lead == before.lead:
        return False
    kept = tuple(replace(p, who=WITHDRAWN, url="") if p in gone else p for p in before.proofs)
    echoes = tuple(e for e in before.echoes if e not in withdrawn)
    after = replace(before, lead=lead, proofs=kept, echoes=echoes, rev=row.rev + 1)
    await conn.execute(
        update(incidents)
        .where(incidents.c.number == row.number)
        .values(body=dump(after), rev=after.rev)
    )
    named = [(p.who, p.url) for p in gone] + [(e.publisher, e.url) for e in withdrawn]
    named += [(e.title, e.url) for e in withdrawn]
    await _unsay(conn, row.number, named)
    return True


async def _unsay(conn: AsyncConnection, number: int, named: Sequence[tuple[str, str]]) -> None:
    """Take words beside links, NAMED as (words, link), out of what was told of incident NUMBER."""
    events = await conn.execute(
        select(timeline.c.id, timeline.c.text).where(timeline.c.incident == number)
    )
    for id_, text in events.all():
        if (clean := _without(text, named)) != text:
            await conn.execute(update(timeline).where(timeline.c.id == id_).values(text=clean))
    rows = await conn.execute(
        select(outbox.c.id, outbox.c.alert).where(outbox.c.incident == number)
    )
    for id_, body in rows.all():
        alert = load(body, Alert)
        if (clean := _without(alert.text, named)) != alert.text:
            await _put_alert(conn, id_, replace(alert, text=clean))


def _without(text: str, named: Sequence[tuple[str, str]]) -> str:
    """Words are taken out only beside their link: alone they may be ordinary ones."""
    beside = [(words, url) for words, url in named if url and url in text]
    for words, url in beside:
        text = text.replace(url, WITHDRAWN)
        text = text.replace(words, WITHDRAWN) if words else text
    return text


async def _put_alert(conn: AsyncConnection, id_: int, alert: Alert) -> None:
    await conn.execute(update(outbox).where(outbox.c.id == id_).values(alert=dump(alert)))


async def _show_again(conn: AsyncConnection, number: int, rev: int, now: datetime) -> None:
    """Have the root of incident NUMBER edited."""
    root = (outbox.c.incident == number, outbox.c.kind == AlertKind.ROOT)
    await conn.execute(update(outbox).where(*root).values(want_rev=rev))
    await conn.execute(
        update(outbox)
        .where(*root, outbox.c.state == RowState.SENT)
        .values(state=RowState.NEW, next_at=now)
    )
