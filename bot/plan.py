"""From the playbooks to what messages show of one: plain values, so that `bot.messages` stays pure."""

from datetime import timedelta

from bot.messages import Clock, Duty, Plan
from bot.messages.text import span
from bot.playbooks import Playbooks
from watchers.model import Severity

CLOCKS = {"holding_draft": "draft", "first_word": "first word"}  # those a root shows


def plan_of(playbooks: Playbooks, type_id: str | None, severity: Severity) -> Plan:
    """Return the plan for an incident of TYPE_ID (None or unknown: what holds for all types)."""
    playbook = playbooks.types.get(type_id or "")
    known = playbook.id if playbook else None
    duties = playbook.duties if playbook else ()
    statement = playbooks.holding_statement
    return Plan(
        name=playbook.name if playbook else "",
        name_zh=playbook.name_zh if playbook else "",
        ack=playbooks.severities[severity].ack,
        ack_step=next(
            (own.step.id for own in playbooks.own_core_steps if own.clock == "ack"), None
        ),
        clocks=tuple(
            Clock(label=label, due=due, step=_step(playbooks, known, clock, severity))
            for clock, label in CLOCKS.items()
            if (due := playbooks.due(clock, known, severity)) is not None
        ),
        wrong_moves=tuple(move.text for move in playbook.wrong_moves) if playbook else (),
        duties=tuple(_duty(playbooks, id_) for id_ in duties),
        statement_zh=statement.zh,
        statement_en=statement.en,
        must_not=statement.must_not,
        approval=playbooks.approvals.order,
    )


def _step(playbooks: Playbooks, type_id: str | None, clock: str, severity: Severity) -> str | None:
    """Return the id of the step that does CLOCK's work: the type's own one if it is due no later."""
    chosen = {step.id for step in playbooks.steps_for(type_id, severity)}
    own = playbooks.types[type_id].steps if type_id is not None else ()
    steps = [*own, *playbooks.own_core_steps]
    return next((s.step.id for s in steps if s.clock == clock and s.step.id in chosen), None)


def _duty(playbooks: Playbooks, duty_id: str) -> Duty:
    duty = playbooks.duties[duty_id]
    when = duty.when or (_within(duty.due) if duty.due is not None else "")
    return Duty(
        duty=duty.duty,
        cite=duty.cite,
        when=when,
        start=duty.start or "",
        verify=duty.verify or "",
    )


def _within(due: timedelta) -> str:
    return f"within {span(due)}"
