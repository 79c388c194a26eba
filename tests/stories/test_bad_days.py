"""What goes wrong around the bot: a source breaks, the bot is restarted, Slack speaks HTTP."""

import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.demo import story
from bot.demo.platforms import status
from tests.stories.town import DUTY, OPERATORS, said, town
from watchers.model import Outcome, State

START = datetime(2026, 3, 3, 11, tzinfo=UTC)
HOUR = timedelta(hours=1)


async def test_a_source_that_breaks_is_told_once_and_so_is_its_recovery() -> None:
    async with town(START, [story.CLIENT], story.posts(START)) as aulane:
        await aulane.until_alert(within=3 * HOUR)
        aulane.platforms.weibo.fail(status(401), times=3)
        await aulane.pass_time(timedelta(minutes=30))

        health = (await aulane.service.store.health())["weibo"]
        assert health.outcome is Outcome.AUTH_REQUIRED
        assert health.until is not None
        notices = [said(t.root.text, t.root.blocks) for t in aulane.slack.channel(OPERATORS)]
        assert len(notices) == 1
        assert "wants a valid login" in notices[0]
        assert "Counts since then are unknown" in "\n".join(aulane.thread()[1:])

        await aulane.pass_time(timedelta(minutes=75))
        notices = [said(t.root.text, t.root.blocks) for t in aulane.slack.channel(OPERATORS)]
        assert len(notices) == 2
        assert "answers again" in notices[1]
        assert (await aulane.service.store.health())["weibo"].outcome is Outcome.OK


async def test_while_a_source_is_blind_a_check_says_unknown_and_never_nothing() -> None:
    async with town(START, [story.CLIENT], story.posts(START)) as aulane:
        await aulane.pass_time(timedelta(minutes=10))
        aulane.platforms.weibo.fail(status(401), times=50)
        await aulane.pass_time(timedelta(minutes=40))
        await aulane.slack.command(DUTY, story.CHANNEL, "/crisis", "check 10m")
        await aulane.slack.until(lambda: "unknown" in "\n".join(aulane.private(DUTY)))
        assert "Nothing found" not in "\n".join(aulane.private(DUTY))


async def test_after_a_restart_nothing_is_lost_and_nothing_told_twice(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'fenghuo.sqlite3'}"
    async with town(START, [story.CLIENT], story.posts(START), url=url) as aulane:
        incident = await aulane.until_alert(within=3 * HOUR)
        before = aulane.thread()
        await aulane.service.stop()
        await aulane.build(url)
        await aulane.rest()
        assert aulane.thread() == before
        assert len(aulane.slack.channel(story.CHANNEL)) == 1

        await aulane.press(DUTY, "ack")
        assert (await aulane.service.store.incident(incident.number)).state is State.ACKNOWLEDGED
        await aulane.pass_time(HOUR)
        assert len(aulane.slack.channel(story.CHANNEL)) == 1
        assert "示例乙" in "\n".join(aulane.thread()[1:])


async def test_over_signed_http_everything_works_as_over_the_socket() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    posts = story.posts(START)
    async with town(START, [story.CLIENT], posts, http_port=port) as aulane:
        incident = await aulane.until_alert(within=3 * HOUR)
        await aulane.press(DUTY, "ack")
        assert (await aulane.service.store.incident(incident.number)).owner == DUTY
        answer = await aulane.slack.command(DUTY, story.CHANNEL, "/crisis", "clients")
        assert answer.ok
        assert "奥岚" in "\n".join(aulane.private(DUTY))
