"""The shipped playbooks, as the messages show them."""

from datetime import timedelta

import pytest

from bot import messages, playbooks
from bot.messages import Clock, problems
from bot.plan import plan_of
from tests.bot.told import CLIENT, NAMES, NOW, T0, incident
from watchers.model import Severity, Step

BOOKS = playbooks.load()


def steps(type_id: str | None, severity: Severity) -> tuple[Step, ...]:
    return tuple(
        Step(id=s.id, do=s.do, owner=s.owner, due_at=T0 + s.due, gate=s.gate)
        for s in BOOKS.steps_for(type_id, severity)
    )


def test_the_clocks_of_a_plan_know_the_steps_that_do_their_work() -> None:
    plan = plan_of(BOOKS, "product_safety", Severity.S2)
    assert plan.ack == timedelta(minutes=15)
    assert plan.ack_step == "c1"
    assert plan.clocks == (
        Clock(label="draft", due=timedelta(hours=1), step="c7"),
        Clock(label="first word", due=timedelta(hours=4), step="p4"),
    )


def test_an_earlier_step_of_the_type_moves_its_clock() -> None:
    plan = plan_of(BOOKS, "outage", Severity.S2)
    first_word = next(c for c in plan.clocks if c.label == "first word")
    assert first_word.due < timedelta(hours=1)
    assert first_word.step in {own.step.id for own in BOOKS.types["outage"].steps}


def test_a_type_that_is_not_known_gets_what_holds_for_all() -> None:
    plan = plan_of(BOOKS, "unheard of", Severity.S3)
    assert plan == plan_of(BOOKS, None, Severity.S3)
    assert plan.statement_zh
    assert not plan.duties
    assert plan_of(BOOKS, None, Severity.S4).ack is None


def test_a_duty_with_a_clock_says_it_in_words() -> None:
    duties = plan_of(BOOKS, "environment_accident", Severity.S1).duties
    assert "within 60 min" in {d.when for d in duties}


@pytest.mark.parametrize("type_id", [None, *BOOKS.types])
@pytest.mark.parametrize("severity", list(Severity))
def test_every_playbook_fits_a_root_a_reply_and_a_window(
    type_id: str | None, severity: Severity
) -> None:
    plan = plan_of(BOOKS, type_id, severity)
    story = incident(type=type_id, severity=severity, steps=steps(type_id, severity))
    made = messages.playbook(story, names=NAMES, plan=plan)
    assert problems(made) == []
    assert problems(messages.playbook_modal(story, plan)) == []
    assert problems(messages.root(story, CLIENT, names=NAMES, now=NOW, plan=plan)) == []
    ticks = [b for b in made.blocks if "accessory" in b]
    assert len(ticks) == len(story.steps)
    assert made.blocks[-1]["block_id"].endswith(":statement")  # nothing was left out
