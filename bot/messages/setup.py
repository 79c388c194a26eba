"""The windows in which a manager sets a source up: which one, its terms and settings, how it went."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from bot.messages.blocks import Block, context, marked, plain_text, section
from bot.messages.modals import View
from bot.messages.text import as_is

MOST = 100  # options of a choice
LONGEST = 3000  # characters of a setting
TYPED = "set:"  # begins the names of the fields of settings
AGREED = "I have read this, and we may use it so"
REFERENCE_HINT = (
    "Not the secret itself, which Slack would keep: env:NAME of fenghuo's environment, or "
    "file:/run/secrets/NAME"
)
WORDS = re.compile(r"^[a-z_]{1,40}$")

Row = tuple[str, str]  # registry name, title


class Field(dict[str, Any]):
    """A setting as the window asks for it: name, meaning, default, required, secret, value."""


def source_choice(rows: Sequence[Row]) -> View:
    """Return the window that asks which of ROWS, not set up yet, is meant."""
    options = [{"text": plain_text(title, 75), "value": name} for name, title in rows[:MOST]]
    choice = {"type": "static_select", "placeholder": plain_text("Choose"), "options": options}
    return _view("Set up a source", [_input("source", "Source", choice)]) | {
        "callback_id": "source_choice",
        "submit": plain_text("Next", 24),
    }


def source_form(
    row: Row, terms: str, cost: str, fields: Sequence[Field], *, fault: str = "", why: str = ""
) -> View:
    """Return the window with the terms, the cost and the FIELDS of ROW; FAULT is how a try ended."""
    blocks = [
        section(plain_text(terms)),
        context([plain_text(f"Cost: {cost}")]),
    ]
    if fault:
        blocks.insert(0, section(marked("*It does not work yet*")))
        blocks.insert(1, section(plain_text(fault, 600)))
    for field in fields:
        element: Block = {"type": "plain_text_input", "max_length": LONGEST}
        if field["value"]:
            element["initial_value"] = field["value"]
        elif field["default"]:
            element["placeholder"] = plain_text(field["default"], 150)
        hint = REFERENCE_HINT if field["secret"] else field["meaning"]
        label = f"{field['name']}: {field['meaning']}" if field["secret"] else field["name"]
        needed = field["required"] and not field["default"]
        blocks.append(_input(TYPED + field["name"], label, element, hint=hint, optional=not needed))
    reason = {"type": "plain_text_input", "max_length": 500}
    if why:
        reason["initial_value"] = why
    blocks.append(_input("why", "Why may it be read? It stands in the audit log.", reason))
    agreed = {"type": "checkboxes", "options": [{"text": plain_text(AGREED, 75), "value": "yes"}]}
    blocks.append(_input("agreed", "Terms", agreed))
    return _view(as_is(row[1], 24), blocks) | {
        "callback_id": "source_form",
        "private_metadata": row[0],
        "submit": plain_text("Test and keep", 24),
    }


def source_tested(text: str, title: str = "Set up a source") -> View:
    """Return the window that says how it goes, or how it went."""
    return _view(title, [section(plain_text(text, 1000))])


def chosen_source(values: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> str:
    """Return the registry name chosen in a submitted `source_choice`; empty: none."""
    chosen = values.get("source", {}).get("source", {}).get("selected_option") or {}
    name = str(chosen.get("value", ""))
    return name if WORDS.fullmatch(name) else ""


def typed_settings(
    values: Mapping[str, Mapping[str, Mapping[str, Any]]],
) -> tuple[dict[str, str], str]:
    """Return the settings typed in a submitted `source_form`, by name, and the reason given."""
    typed = {
        block.removeprefix(TYPED): str(entered.get(block, {}).get("value") or "").strip()
        for block, entered in values.items()
        if block.startswith(TYPED)
    }
    return typed, str(values.get("why", {}).get("why", {}).get("value") or "").strip()


def field_errors(faults: Mapping[str, str]) -> dict[str, str]:
    """Return FAULTS of settings, by name, as Slack shows them under the fields."""
    return {TYPED + name: as_is(fault, 150) for name, fault in faults.items()}


def _input(
    name: str, label: str, element: Block, *, hint: str = "", optional: bool = False
) -> Block:
    made = {
        "type": "input",
        "block_id": name,
        "label": plain_text(label, 200),
        "element": element | {"action_id": name},
        "optional": optional,
    }
    return made | ({"hint": plain_text(hint, 500)} if hint else {})


def _view(title: str, blocks: Sequence[Block]) -> View:
    return {
        "type": "modal",
        "title": plain_text(title, 24),
        "close": plain_text("Close", 24),
        "blocks": list(blocks),
    }
