"""Values become Block Kit. Pure: no network, no store, no clock, no file.

Every text that a stranger wrote stays text: it mentions nobody, links nowhere, formats nothing.
"""

from bot.messages.answers import (
    OUTCOMES,
    TO_DO,
    SourceView,
    check_report,
    check_text,
    client_list,
    help_list,
    incident_list,
    source_list,
)
from bot.messages.blocks import Block, Message
from bot.messages.check import problems
from bot.messages.modals import (
    corrected_tones,
    false_alarm_modal,
    modal_note,
    playbook_modal,
    resolve_modal,
    told_modal,
    tone_modal,
)
from bot.messages.plan import Clock, Duty, Plan
from bot.messages.root import fallback, root
from bot.messages.setup import (
    Field,
    chosen_source,
    field_errors,
    source_choice,
    source_form,
    source_tested,
    typed_settings,
)
from bot.messages.thread import evidence, notice, plain, playbook, rule, update

__all__ = [
    "OUTCOMES",
    "TO_DO",
    "Block",
    "Clock",
    "Duty",
    "Field",
    "Message",
    "Plan",
    "SourceView",
    "check_report",
    "check_text",
    "chosen_source",
    "client_list",
    "corrected_tones",
    "evidence",
    "fallback",
    "false_alarm_modal",
    "field_errors",
    "help_list",
    "incident_list",
    "modal_note",
    "notice",
    "plain",
    "playbook",
    "playbook_modal",
    "problems",
    "resolve_modal",
    "root",
    "rule",
    "source_choice",
    "source_form",
    "source_list",
    "source_tested",
    "told_modal",
    "tone_modal",
    "typed_settings",
    "update",
]
