"""Building blocks: each function gives one object of Block Kit within Slack's limits.

`marked` takes mrkdwn that is ready (made with `text.literal` or `text.escaped`), always verbatim;
everything else takes raw text and makes it safe itself.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from bot.messages.text import address, as_is, cut, escape, units

Block = dict[str, Any]
BUDGET = 11_000  # units of text in one message; Slack refuses from about 13,200 (slack.md B2)
MOST_BLOCKS = 50
TEXT = 2_800  # of a section; Slack takes 3,000
FALLBACK = 120  # a phone's preview
_COUNTED = frozenset({"text", "url", "value", "alt_text", "fallback"})


@dataclass(frozen=True, slots=True)
class Message:
    """What Slack is sent: `text` for phones and screen readers, `blocks` for all others."""

    text: str
    blocks: tuple[Block, ...] = ()


def message(text: str, blocks: Iterable[Block]) -> Message:
    """Return a message of BLOCKS as far as the budget goes; buttons always fit.

    TEXT is ready for the top level (escaped). What is left out is said in the last line.
    """
    blocks = list(blocks)
    room = BUDGET - sum(size(b) for b in blocks if b["type"] == "actions")
    kept: list[Block] = []
    left = 0
    for block in blocks:
        cost = 0 if block["type"] == "actions" else size(block)
        if block["type"] != "actions" and (left or cost > room or len(kept) >= MOST_BLOCKS - 3):
            left += 1
            continue
        room -= cost
        kept.append(block)
    if left:
        kept.append(context([marked(f"… {left} more, too long for one message.")]))
    return Message(text, tuple(kept))


def size(part: object, key: str = "") -> int:
    """Return how much of the budget PART takes: all text and addresses inside it."""
    if isinstance(part, str):
        return units(part) if key in _COUNTED else 0
    if isinstance(part, dict):
        return sum(size(value, k) for k, value in part.items())
    if isinstance(part, list | tuple):
        return sum(size(value) for value in part)
    return 0


# ----------------------------------------------------------------------------------------- objects
def marked(text: str) -> Block:
    """Return mrkdwn; Slack adds no links and mentions of its own to it."""
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def plain_text(text: str, most: int = TEXT, *, lines: bool = False) -> Block:
    """Return TEXT as it stands."""
    return {"type": "plain_text", "text": as_is(text, most, lines=lines), "emoji": False}


def value(incident: int, rev: int, step: str | None = None) -> str:
    """Return what a button carries: ids only."""
    ids: dict[str, object] = {"v": 1, "inc": incident, "rev": rev}
    return json.dumps(ids | ({"step": step} if step else {}), separators=(",", ":"))


def button(label: str, action: str, carried: str, *, primary: bool = False) -> Block:
    made = {
        "type": "button",
        "text": plain_text(label, 75),
        "action_id": action,
        "value": carried,
    }
    return made | ({"style": "primary"} if primary else {})


# ------------------------------------------------------------------------------------------ blocks
def _with(block: Block, block_id: str | None) -> Block:
    return block | ({"block_id": cut(block_id, 255)} if block_id else {})


def header(text: str, block_id: str | None = None) -> Block:
    return _with({"type": "header", "text": plain_text(text, 150)}, block_id)


def section(text: Block, block_id: str | None = None, *, accessory: Block | None = None) -> Block:
    block: Block = {"type": "section", "text": text}
    return _with(block | ({"accessory": accessory} if accessory else {}), block_id)


def context(elements: Sequence[Block], block_id: str | None = None) -> Block:
    return _with({"type": "context", "elements": list(elements)[:10]}, block_id)


def actions(elements: Sequence[Block], block_id: str | None = None) -> Block:
    return _with({"type": "actions", "elements": list(elements)[:25]}, block_id)


def rich_text(elements: Sequence[Block], block_id: str | None = None) -> Block:
    return _with({"type": "rich_text", "elements": list(elements)}, block_id)


# --------------------------------------------------------------------------------------- rich text
def words(text: str, most: int = TEXT, *, bold: bool = False, code: bool = False) -> Block:
    """Return a run of TEXT inside rich text; spaces at its ends stay."""
    body = as_is(text, most, lines=True)
    ends = (" " if text[:1] == " " else "", " " if text[-1:] == " " and len(text) > 1 else "")
    style = {name: True for name, on in (("bold", bold), ("code", code)) if on}
    made: Block = {"type": "text", "text": f"{ends[0]}{body}{ends[1]}"}
    return made | ({"style": style} if style else {})


def web_link(url: str, label: str) -> Block:
    """Return a link under our LABEL; the label alone where URL is no web address."""
    safe = address(url)
    return {"type": "link", "url": safe, "text": label} if safe else words(label)


def line(elements: Sequence[Block]) -> Block:
    return {"type": "rich_text_section", "elements": list(elements)}


def quotation(elements: Sequence[Block]) -> Block:
    return {"type": "rich_text_quote", "elements": list(elements)}


def bullets(items: Sequence[Sequence[Block]]) -> Block:
    return {
        "type": "rich_text_list",
        "style": "bullet",
        "elements": [line(elements) for elements in items],
    }


def preview(text: str) -> str:
    """Return TEXT as the top-level text of an incident's root: one line of 120 at most."""
    return escape(cut(as_is(text, FALLBACK), FALLBACK, lambda part: units(escape(part))))
