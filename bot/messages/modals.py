"""Windows that ask for a reason or show a playbook, and what comes back from them."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

from bot.messages.blocks import (
    Block,
    context,
    line,
    marked,
    plain_text,
    rich_text,
    section,
    value,
    words,
)
from bot.messages.plan import EMPTY, Plan
from bot.messages.text import as_is
from bot.messages.thread import LISTED_STEPS, advice, playbook_title, quote_lines, step_section
from watchers.model import Incident, Quote, Tone

View = dict[str, Any]
RESOLVED = {
    "answered": "Answered, and calm since",
    "settled": "Settled with the one who complained",
    "faded": "Faded by itself",
    "elsewhere": "Goes on elsewhere (another incident, the client, a court)",
}
FALSE_ALARM = {
    "other_meaning": "Other meaning of the word",
    "old_news": "Old news",
    "joke": "A joke",
    "own_campaign": "Our own campaign",
    "advertisement": "An advertisement",
    "bots": "Bots",
    "not_ours": "Not ours",
}
TONES: dict[str, str] = {
    Tone.NEGATIVE: "Negative",
    Tone.NEUTRAL: "Neutral",
    Tone.POSITIVE: "Positive",
    Tone.UNSURE: "Cannot be told",
}
NOTE = 500  # characters; it stands in the root
_MENTION = re.compile(r"<@([UW][A-Z0-9]{2,})>")


def resolve_modal(incident: Incident) -> View:
    """Return the window that closes INCIDENT as dealt with."""
    hint = "What worked, what was promised, who follows up. It stands in the root."
    return _asking(incident, "Resolve", "resolve_modal", RESOLVED, hint)


def false_alarm_modal(incident: Incident) -> View:
    """Return the window that closes INCIDENT as no crisis; the reason shows which rule to mend."""
    hint = "Which word or account misled us? It stands in the root."
    return _asking(incident, "Not a crisis", "false_alarm_modal", FALSE_ALARM, hint)


def modal_note(values: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> str:
    """Return "reason: note" of a submitted window; either may be missing."""
    chosen = (values.get("reason", {}).get("reason", {}) or {}).get("selected_option") or {}
    known = RESOLVED | FALSE_ALARM
    reason = known.get(str(chosen.get("value")), "")
    written = values.get("note", {}).get("note", {}).get("value") or ""
    note = as_is(str(written), NOTE, lines=True) if str(written).strip() else ""
    return ": ".join(part for part in (reason, note) if part)


def tone_modal(incident: Incident, quotes: Sequence[Quote]) -> View:
    """Return the window in which a person says what the tone of posts really is."""
    blocks = [context([marked(TONE_HINT if quotes else "No post of it is stored any more.")])]
    for quote in quotes:
        key = _tone_key(quote)
        blocks.append(rich_text(quote_lines(quote), f"post:{key}"))
        choice = _select(TONES)
        choice["initial_option"] = next(
            option for option in choice["options"] if option["value"] == quote.tone
        )
        blocks.append(_input(f"tone:{key}", "Its tone", choice, optional=True))
    view = _view(f"Tones INC-{incident.number}", blocks) | {
        "callback_id": "tone_modal",
        "private_metadata": value(incident.number, incident.rev),
    }
    return view | ({"submit": plain_text("Save", 24)} if quotes else {})


TONE_HINT = (
    "Your word wins over the machine’s, is kept, and is what `fenghuo train` learns from."
    " Negative: it speaks badly of something, whoever is to blame."
)


def corrected_tones(
    values: Mapping[str, Mapping[str, Mapping[str, Any]]], quotes: Sequence[Quote]
) -> tuple[tuple[Quote, Tone], ...]:
    """Return those of QUOTES whose tone a submitted `tone_modal` changes, with the new one."""
    changed = []
    for quote in quotes:
        entered = next(iter(values.get(f"tone:{_tone_key(quote)}", {}).values()), {})
        chosen = (entered.get("selected_option") or {}).get("value")
        if chosen in TONES and chosen != quote.tone:
            changed.append((quote, Tone(chosen)))
    return tuple(changed)


def _tone_key(quote: Quote) -> str:
    """Return a short name of a post: the addresses that feeds use as ids are too long for Slack."""
    return hashlib.sha256(f"{quote.source}:{quote.post_id}".encode()).hexdigest()[:24]


def told_modal(note: str) -> View:
    """Return the window that says why nothing was done; `<@U…>` in NOTE is shown as a person."""
    return _view("Nothing was changed", [rich_text([line(_with_people(note))])])


def playbook_modal(incident: Incident, plan: Plan | None = None) -> View:
    """Return INCIDENT's playbook to read; steps are ticked in the thread."""
    plan = plan or EMPTY
    shown = incident.steps[:LISTED_STEPS]
    blocks = [section(plain_text(playbook_title(incident, plan)))]
    blocks += [step_section(step, incident, {}, plan) for step in shown]
    if len(incident.steps) > len(shown):
        blocks.append(context([marked("… later steps are not shown here.")]))
    blocks.append(context([marked("Tick steps in the incident’s thread.")]))
    return _view(f"Playbook INC-{incident.number}", [*blocks, *advice(plan, "playbook")])


def _asking(
    incident: Incident, title: str, callback: str, reasons: Mapping[str, str], hint: str
) -> View:
    number = f"{title} INC-{incident.number}"
    blocks = [
        section(
            plain_text(f"{incident.severity}: {as_is(incident.headline or 'no headline', 200)}")
        ),
        _input("reason", "Why?", _select(reasons)),
        _input("note", "Note", _field(), hint=hint, optional=True),
    ]
    return _view(number, blocks) | {
        "callback_id": callback,
        "submit": plain_text(title, 24),
        "close": plain_text("Cancel", 24),
        "private_metadata": value(incident.number, incident.rev),
    }


def _view(title: str, blocks: Sequence[Block]) -> View:
    return {
        "type": "modal",
        "title": plain_text(title, 24),
        "close": plain_text("Close", 24),
        "blocks": list(blocks),
    }


def _input(
    name: str, label: str, element: Block, *, hint: str = "", optional: bool = False
) -> Block:
    made = {
        "type": "input",
        "block_id": name,
        "label": plain_text(label),
        "element": element | {"action_id": name},
        "optional": optional,
    }
    return made | ({"hint": plain_text(hint)} if hint else {})


def _select(reasons: Mapping[str, str]) -> Block:
    options = [{"text": plain_text(text, 75), "value": key} for key, text in reasons.items()]
    return {"type": "static_select", "placeholder": plain_text("Choose"), "options": options}


def _field() -> Block:
    return {"type": "plain_text_input", "multiline": True, "max_length": NOTE}


def _with_people(note: str) -> list[Block]:
    """Return NOTE in rich text, with the people it names."""
    parts = _MENTION.split(note)  # words and user ids by turns
    made: list[Block] = []
    for n, part in enumerate(parts):
        if n % 2:
            made.append({"type": "user", "user_id": part})
        elif part.strip():
            made.append(words(part))
    return made or [words("")]
