"""A recorded stream, served in the Weibo gateway's own answer shape, from alert to resolve."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.stories.town import DUTY, LEAD, Town, town
from watchers.model import Client, Person, Role, State
from watchers.recordings import Recording

BURST = datetime(2024, 11, 3, 2, 9, tzinfo=UTC)  # the award list is out: 311 posts in this hour
CLIENT = Client(
    id="contest",
    name="The contest",
    names=("姜萍", "阿里巴巴", "数学竞赛"),
    queries=("姜萍",),
    sources=("weibo",),
    channel="C0CONTEST",
    people=(
        Person(slack=DUTY, role=Role.DUTY_OFFICER),
        Person(slack=LEAD, role=Role.ACCOUNT_LEAD),
    ),
)


async def test_a_recorded_crisis_is_seen_within_the_hour_and_carried_to_its_end(
    shared: Path,
) -> None:
    path = shared / "data/microblogs/events/jiangping_alibaba_contest_2024.jsonl.gz"
    since, until = BURST - timedelta(days=20), BURST + timedelta(hours=6)
    posts = [p for p in Recording(path) if since <= p.at < until]
    async with town(BURST - timedelta(minutes=30), [CLIENT], posts) as contest:
        incident = await contest.until_alert(within=timedelta(minutes=90))
        assert incident.opened_at - BURST <= timedelta(minutes=60)
        assert incident.figures.count >= 10 * max(incident.figures.usual or 0, 1)
        root = contest.thread()[0]
        assert "The contest" in root
        assert incident.lead is not None
        assert incident.lead.text[:20] in root

        await contest.press(DUTY, "ack")
        assert "Lin" in contest.thread()[0]
        assert "took it" in "\n".join(contest.thread()[1:])

        told = len(contest.thread())
        await contest.pass_time(timedelta(hours=3), step=timedelta(minutes=10))
        assert len(contest.thread()) > told
        assert any("It goes on" in text for text in contest.thread()[told:])
        assert len(contest.slack.channel("C0CONTEST")) == 1

        await resolve(contest)
        closed = await contest.service.store.incident(incident.number)
        assert (closed.state, closed.closed_by) == (State.RESOLVED, LEAD)
        assert "resolved it" in contest.thread()[-1]


async def resolve(contest: Town) -> None:
    await contest.press(LEAD, "resolve")
    modal = contest.slack.modals(LEAD)[-1]
    answer = await contest.slack.submit(
        LEAD, modal.id, {"reason": "answered", "note": "The list stands."}
    )
    assert answer.ok, answer
    await contest.rest()
