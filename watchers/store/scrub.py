"""Words and names leave incidents and messages too, not only the posts they came from."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from watchers.model import Alert, AlertKind, Incident, Proof
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
    if not gone and lead == before.lead:
        return False
    kept = tuple(replace(p, who=WITHDRAWN, url="") if p in gone else p for p in before.proofs)
    after = replace(before, lead=lead, proofs=kept, rev=row.rev + 1)
    await conn.execute(
        update(incidents)
        .where(incidents.c.number == row.number)
        .values(body=dump(after), rev=after.rev)
    )
    await _unsay(conn, row.number, gone)
    return True


async def _unsay(conn: AsyncConnection, number: int, proofs: Sequence[Proof]) -> None:
    """Take the names and links of PROOFS out of the sentences told about incident NUMBER."""
    events = await conn.execute(
        select(timeline.c.id, timeline.c.text).where(timeline.c.incident == number)
    )
    for id_, text in events.all():
        if (clean := _without(text, proofs)) != text:
            await conn.execute(update(timeline).where(timeline.c.id == id_).values(text=clean))
    rows = await conn.execute(
        select(outbox.c.id, outbox.c.alert).where(outbox.c.incident == number)
    )
    for id_, body in rows.all():
        alert = load(body, Alert)
        if (clean := _without(alert.text, proofs)) != alert.text:
            await _put_alert(conn, id_, replace(alert, text=clean))


def _without(text: str, proofs: Sequence[Proof]) -> str:
    """A name is taken out only beside its link: alone it may be an ordinary word."""
    for proof in proofs:
        if proof.url in text:
            text = text.replace(proof.url, WITHDRAWN)
            text = text.replace(proof.who, WITHDRAWN) if proof.who else text
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
