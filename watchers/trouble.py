"""When a source is in trouble, and when to say so. Pure: knows rounds, not clocks or channels."""

from dataclasses import replace
from datetime import datetime, timedelta

from watchers.model import Health, Outcome, Page, Watermark

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


def after_canary(
    before: Health | None, source: str, page: Page, fresh: timedelta, now: datetime
) -> Health:
    """Return the health of SOURCE after the search for its canary's word brought PAGE.

    The word always has posts, younger than FRESH: none, or old ones alone, mean that the source is
    broken, whatever its real rounds say. One odd answer is asked about again before it is told.
    """
    newest = max((p.at for p in page.posts if p.created_at is not None), default=now)
    outcome, detail = page.outcome, page.detail
    if page.outcome.healthy and not page.posts:
        outcome, detail = Outcome.SCHEMA_CHANGED, "a word that always has posts found none"
    elif page.outcome.healthy and newest < now - fresh:
        outcome, detail = Outcome.STALE, f"the newest post is of {newest:%d %b %H:%M} UTC"
    return _proven(before, source, replace(page, outcome=outcome, detail=detail), now)


def after_test(
    before: Health | None, source: str, outcome: Outcome, detail: str, now: datetime
) -> Health:
    """Return the health of SOURCE after a connection test that stands for a canary."""
    page = Page(posts=(), watermark=Watermark(), outcome=outcome, requests=1, detail=detail)
    return _proven(before, source, page, now)


def _proven(before: Health | None, source: str, page: Page, now: datetime) -> Health:
    doubtful = page.outcome in (Outcome.SCHEMA_CHANGED, Outcome.STALE)
    told_on = replace(before, unproven=False) if before is not None else None
    health = after_round(told_on, source, page, now)
    if not doubtful:
        return replace(health, proven_at=now if page.outcome.healthy else health.proven_at)
    again = before is not None and before.unproven
    failures = max(health.failures, TELL_AFTER) if again else health.failures
    return replace(health, unproven=True, failures=failures, until=page.until)


def after_round(before: Health | None, source: str, page: Page, now: datetime) -> Health:
    """Return the health of SOURCE after a round that brought PAGE.

    While its canary finds nothing, no round makes it healthy.
    """
    if before is not None and before.unproven and page.outcome.healthy:
        requests = before.requests if before.asked_at.date() == now.date() else 0
        return replace(before, asked_at=now, until=page.until, requests=requests + page.requests)
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
        proven_at=before.proven_at if before else None,
        unproven=before.unproven if before else False,
    )


def tell(
    health: Health, caught_up: int, title: str = "", now: datetime | None = None
) -> tuple[Health, str | None]:
    """Return HEALTH with its mark of having been told, and the sentence to tell, if any.

    TITLE is the source's name for people, NOW says whether it is still paused.

    Trouble is told once, on the third unhealthy round; the end of it once, with how many posts
    (CAUGHT_UP) were read from the time in between.
    """
    name = title or health.source
    if not health.outcome.healthy and not health.told and health.failures >= TELL_AFTER:
        why = WORDS[health.outcome]
        seen = f"last good answer {health.ok_at:%H:%M} UTC" if health.ok_at else "never answered"
        detail = f" {health.detail}" if health.detail else ""
        text = f"{name}: {why} ({seen}). Counts since then are unknown.{detail}"
        if now is not None and health.until is not None and health.until > now:
            text += f" It is asked again at {health.until:%d %b %H:%M} UTC."
        return replace(health, told=True), text
    if health.outcome.healthy and health.told:
        text = f"{name} answers again; {caught_up} posts caught up."
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
