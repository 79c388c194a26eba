"""When a source is in trouble, and when to say so. Pure: knows rounds, not clocks or channels."""

from dataclasses import replace
from datetime import datetime, timedelta

from watchers.model import Health, Outcome, Page

TELL_AFTER = 3  # unhealthy rounds in a row before people are told
PAUSES = ((6, timedelta(hours=6)), (3, timedelta(hours=1)))  # breaker: rounds, pause
BURST = timedelta(minutes=30)  # posts that wait so long are no trouble yet
WORDS = {
    Outcome.PARTIAL: "only part of the posts could be read",
    Outcome.STALE: "it answers, but with old posts only",
    Outcome.RATE_LIMITED: "it asks us to slow down",
    Outcome.QUOTA_EXHAUSTED: "the budget is used up",
    Outcome.AUTH_REQUIRED: "it wants a valid login",
    Outcome.BLOCKED: "it refuses us",
    Outcome.PLAN_REQUIRED: "the plan does not include this",
    Outcome.SCHEMA_CHANGED: "its answers look different from what they were",
    Outcome.DOWN: "it does not answer",
}
BREAKERS = frozenset({Outcome.BLOCKED, Outcome.DOWN, Outcome.SCHEMA_CHANGED, Outcome.AUTH_REQUIRED})


def after_round(before: Health | None, source: str, page: Page, now: datetime) -> Health:
    """Return the health of SOURCE after a round that brought PAGE."""
    fine = page.outcome.healthy or _reading_on(page, now)
    same = before is not None and before.outcome is page.outcome
    failures = 0 if fine else (before.failures if before else 0) + 1
    today = before is not None and before.asked_at.date() == now.date()
    return Health(
        source=source,
        outcome=page.outcome,
        since=before.since if same and before else now,
        asked_at=now,
        ok_at=now if fine else (before.ok_at if before else None),
        until=page.until or _breaker(page.outcome, failures, now),
        detail=page.detail,
        failures=failures,
        requests=(before.requests if today and before else 0) + page.requests,
        told=before.told if before else False,
    )


def tell(health: Health, caught_up: int) -> tuple[Health, str | None]:
    """Return HEALTH with its mark of having been told, and the sentence to tell, if any.

    Trouble is told once, on the third unhealthy round; the end of it once, with how many posts
    (CAUGHT_UP) were read from the time in between.
    """
    if not health.outcome.healthy and not health.told and health.failures >= TELL_AFTER:
        why = WORDS[health.outcome]
        seen = f"last good answer {health.ok_at:%H:%M} UTC" if health.ok_at else "never answered"
        detail = f" {health.detail}" if health.detail else ""
        text = f"{health.source}: {why} ({seen}). Counts since then are unknown.{detail}"
        return replace(health, told=True), text
    if health.outcome.healthy and health.told:
        text = f"{health.source} answers again; {caught_up} posts caught up."
        return replace(health, told=False), text
    return health, None


def _reading_on(page: Page, now: datetime) -> bool:
    """Whether only a burst of late is not read yet: its pages are asked for one by one."""
    partial = page.outcome is Outcome.PARTIAL and page.until is None
    return partial and all(now - gap.end <= BURST for gap in page.watermark.gaps)


def _breaker(outcome: Outcome, failures: int, now: datetime) -> datetime | None:
    if outcome not in BREAKERS:
        return None
    for rounds, pause in PAUSES:
        if failures >= rounds:
            return now + pause
    return None
