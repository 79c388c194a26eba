"""Would Slack take this message or view? `problems` says what it would refuse, with the place.

The SDK's models know part of the rules; the tables here, from Slack's documentation, know more.
Nothing is raised: what is found is logged, and the message goes out in a plainer form.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.blocks import Block as SdkBlock

from bot.messages.blocks import Message
from bot.messages.text import units

Json = Mapping[str, Any]

# block or object -> field -> limit; a nested number is the length of one item
LIMITS: Mapping[str, Mapping[str, Mapping[str, int]]] = {
    "text": {"": {"min_length": 1, "max_length": 3000}},
    "action_id": {"": {"max_length": 255}},
    "block_id": {"": {"max_length": 255}},
    "button": {
        "text": {"max_length": 75},
        "url": {"max_length": 3000},
        "value": {"max_length": 2000},
        "accessibility_label": {"max_length": 75},
    },
    "confirmation": {
        "title": {"max_length": 100},
        "text": {"max_length": 300},
        "confirm": {"max_length": 30},
        "deny": {"max_length": 30},
    },
    "option": {
        "text": {"max_length": 75},
        "value": {"max_length": 150},
        "description": {"max_length": 75},
        "url": {"max_length": 3000},
    },
    "option_group": {
        "label": {"max_length": 75},
        "options": {"min_items": 1, "max_items": 100},
    },
    "select": {
        "placeholder": {"max_length": 150},
        "options": {"min_items": 1, "max_items": 100},
        "option_groups": {"min_items": 1, "max_items": 100},
    },
    "overflow": {"options": {"min_items": 1, "max_items": 5}},
    "checkboxes": {"options": {"min_items": 1, "max_items": 10}},
    "radio_buttons": {"options": {"min_items": 1, "max_items": 10}},
    "plain_text_input": {"placeholder": {"max_length": 150}},
    "actions": {"elements": {"max_items": 25}},
    "context": {"elements": {"max_items": 10}},
    "context_actions": {"elements": {"max_items": 5}},
    "header": {"text": {"max_length": 150}},
    "section": {
        "text": {"max_length": 3000},
        "fields": {"max_items": 10, "item_max_length": 2000},
    },
    "image": {
        "image_url": {"max_length": 3000},
        "alt_text": {"max_length": 2000},
        "title": {"max_length": 2000},
    },
    "input": {"label": {"max_length": 2000}, "hint": {"max_length": 2000}},
    "alert": {"text": {"max_length": 200}},
    "markdown": {"text": {"max_length": 12000}, "total_text": {"max_length": 12000}},
    "table": {"rows": {"max_items": 100}, "columns": {"max_items": 20}},
    "message": {
        "blocks": {"max_items": 50},
        "attachments": {"max_items": 100},
        "data_visualizations": {"max_items": 2},
    },
    "view": {
        "blocks": {"max_items": 100},
        "private_metadata": {"max_length": 3000},
        "callback_id": {"max_length": 255},
        "external_id": {"max_length": 255},
        "title": {"max_length": 24},
        "close": {"max_length": 24},
        "submit": {"max_length": 24},
    },
}
SURFACES: Mapping[str, frozenset[str]] = {
    "message": frozenset(
        {
            "actions", "card", "carousel", "container", "context", "context_actions", "data_table",
            "data_visualization", "divider", "file", "header", "image", "input", "markdown", "plan",
            "rich_text", "section", "table", "task_card", "video",
        }
    ),
    "modal": frozenset(
        {
            "actions", "alert", "card", "context", "divider", "header", "image", "input",
            "rich_text", "section", "video",
        }
    ),
    "home": frozenset(
        {
            "actions", "card", "carousel", "container", "context", "data_table",
            "data_visualization", "divider", "header", "image", "input", "rich_text", "section",
            "table", "video",
        }
    ),
}  # fmt: skip
TOP_TEXT = 40_000  # characters; Slack cuts what is longer
ALL_TEXT = 13_200  # characters of block text in one message: msg_blocks_too_long, undocumented
METADATA = 500  # bytes, our own rule: ids only
TABLES = 1  # a message
PLAIN_ONLY = frozenset(
    {"title", "submit", "close", "label", "hint", "placeholder", "confirm", "deny", "description"}
)
STYLES = frozenset({"primary", "danger"})
SDK_KNOWS_NOT = frozenset({"data_visualization", "data_table"})
REQUIRED: Mapping[str, tuple[str, ...]] = {
    "header": ("text",),
    "context": ("elements",),
    "actions": ("elements",),
    "rich_text": ("elements",),
    "input": ("label", "element"),
    "image": ("alt_text",),
    "markdown": ("text",),
    "button": ("text", "action_id"),
    "static_select": ("options|option_groups",),
    "link": ("url",),
    "user": ("user_id",),
    "usergroup": ("usergroup_id",),
    "date": ("timestamp", "format"),
}
KEYS: Mapping[str, frozenset[str]] = {
    "header": frozenset({"type", "block_id", "text", "level"}),
    "section": frozenset({"type", "block_id", "text", "fields", "accessory", "expand"}),
    "context": frozenset({"type", "block_id", "elements"}),
    "actions": frozenset({"type", "block_id", "elements"}),
    "divider": frozenset({"type", "block_id"}),
    "rich_text": frozenset({"type", "block_id", "elements"}),
    "markdown": frozenset({"type", "block_id", "text"}),
    "input": frozenset(
        {"type", "block_id", "label", "element", "hint", "optional", "dispatch_action"}
    ),
    "plain_text": frozenset({"type", "text", "emoji"}),
    "mrkdwn": frozenset({"type", "text", "verbatim"}),
    "button": frozenset(
        {
            "type", "text", "action_id", "value", "url", "style", "confirm", "accessibility_label",
            "agent_prompt",
        }
    ),
}  # fmt: skip


def problems(message_or_view: Message | Json) -> list[str]:
    """Return what Slack would refuse, each with a JSON pointer; empty: it should pass.

    A mapping of type "modal" or "home" is a view, any other a message (`text`, `blocks`,
    `attachments`, `metadata`).
    """
    if isinstance(message_or_view, Message):
        given: Json = {"text": message_or_view.text, "blocks": list(message_or_view.blocks)}
    else:
        given = message_or_view
    if given.get("type") in ("modal", "home"):
        return list(_view(given))
    return list(_message(given))


def _message(given: Json) -> Iterator[str]:
    text = given.get("text")
    if not isinstance(text, str) or not text.strip():
        yield "/text: empty; phones and screen readers get nothing else"
    elif units(text) > TOP_TEXT:
        yield f"/text: {units(text)} characters, at most {TOP_TEXT}"
    blocks = _list(given.get("blocks"))
    attachments = _list(given.get("attachments"))
    yield from _counted(attachments, LIMITS["message"]["attachments"], "/attachments")
    yield from _blocks(blocks, "message", "/blocks", LIMITS["message"]["blocks"])
    for n, attachment in enumerate(attachments):
        place = f"/attachments/{n}/blocks"
        yield from _blocks(
            _list(attachment.get("blocks")), "message", place, LIMITS["message"]["blocks"]
        )
    whole = [*blocks, *(b for a in attachments for b in _list(a.get("blocks")))]
    yield from _totals(whole)
    metadata = str(given.get("metadata") or "")
    if len(metadata.encode()) > METADATA:
        yield f"/metadata: {len(metadata.encode())} bytes, at most {METADATA}"


def _totals(blocks: Sequence[Json]) -> Iterator[str]:
    total = sum(_text_size(block) for block in blocks)
    if total > ALL_TEXT:
        yield f"/blocks: {total} characters of text in all, at most {ALL_TEXT}"
    kinds = [block.get("type") for block in blocks]
    if kinds.count("table") > TABLES:
        yield f"/blocks: {kinds.count('table')} tables, at most {TABLES}"
    charts = LIMITS["message"]["data_visualizations"]["max_items"]
    if kinds.count("data_visualization") > charts:
        yield f"/blocks: {kinds.count('data_visualization')} charts, at most {charts}"
    markdown = sum(units(str(b.get("text"))) for b in blocks if b.get("type") == "markdown")
    if markdown > LIMITS["markdown"]["total_text"]["max_length"]:
        yield f"/blocks: {markdown} characters of markdown in all"


def _view(given: Json) -> Iterator[str]:
    kind = str(given["type"])
    limits = LIMITS["view"]
    for name in ("private_metadata", "callback_id", "external_id"):
        if isinstance(given.get(name), str):
            yield from _length(given[name], limits[name], f"/{name}")
    for name in ("title", "submit", "close"):
        if name in given:
            yield from _text(given[name], f"/{name}", limits[name], plain=True)
    if kind == "modal" and "title" not in given:
        yield "/title: missing"
    blocks = _list(given.get("blocks"))
    if not blocks:
        yield "/blocks: empty"
    yield from _blocks(blocks, kind, "/blocks", limits["blocks"])
    if kind == "modal" and "submit" not in given and any(b.get("type") == "input" for b in blocks):
        yield "/submit: missing, but there is an input"


# ------------------------------------------------------------------------------------------ blocks
def _blocks(
    blocks: Sequence[Json], surface: str, place: str, limit: Mapping[str, int]
) -> Iterator[str]:
    yield from _counted(blocks, limit, place)
    ids: set[str] = set()
    for n, block in enumerate(blocks):
        here = f"{place}/{n}"
        kind = str(block.get("type"))
        if kind not in SURFACES[surface]:
            yield f"{here}: {kind!r} is no block of a {surface}"
            continue
        block_id = block.get("block_id")
        if block_id is not None:
            yield from _length(str(block_id), LIMITS["block_id"][""], f"{here}/block_id")
            if block_id in ids:
                yield f"{here}/block_id: {block_id!r} stands twice"
            ids.add(str(block_id))
        yield from _block(block, kind, here)
        yield from _sdk(block, kind, here)


def _block(block: Json, kind: str, place: str) -> Iterator[str]:
    yield from _shape(block, kind, place)
    check = _CHECKS.get(kind)
    if check is not None:
        yield from check(block, place)
    actions: set[str] = set()
    for where, element in _elements(block):
        yield from _element(element, f"{place}{where}")
        action = element.get("action_id")
        if isinstance(action, str):
            if action in actions:
                yield f"{place}{where}/action_id: {action!r} stands twice in the block"
            actions.add(action)


def _sdk(block: Json, kind: str, place: str) -> Iterator[str]:
    if kind in SDK_KNOWS_NOT:
        return
    try:
        parsed = SdkBlock.parse(dict(block))
        if parsed is None:
            yield f"{place}: the SDK does not know it"
        else:
            parsed.to_dict()
    except SlackObjectFormationError as error:
        yield f"{place}: {error}"
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        yield f"{place}: cannot be read ({type(error).__name__})"


def _shape(block: Json, kind: str, place: str) -> Iterator[str]:
    for name in REQUIRED.get(kind, ()):
        if not any(block.get(choice) for choice in name.split("|")):
            yield f"{place}/{name}: missing or empty"
    known = KEYS.get(kind)
    if known is not None:
        yield from (f"{place}/{key}: unknown" for key in sorted(set(block) - known))


def _header(block: Json, place: str) -> Iterator[str]:
    yield from _text(block.get("text"), f"{place}/text", LIMITS["header"]["text"], plain=True)


def _section(block: Json, place: str) -> Iterator[str]:
    fields = _list(block.get("fields"))
    if "text" not in block and not fields:
        yield f"{place}: neither text nor fields"
    if "text" in block:
        yield from _text(block["text"], f"{place}/text", LIMITS["section"]["text"])
    yield from _counted(fields, LIMITS["section"]["fields"], f"{place}/fields")
    most = {"max_length": LIMITS["section"]["fields"]["item_max_length"]}
    for n, field in enumerate(fields):
        yield from _text(field, f"{place}/fields/{n}", most)


def _context(block: Json, place: str) -> Iterator[str]:
    elements = _list(block.get("elements"))
    yield from _counted(elements, LIMITS["context"]["elements"], f"{place}/elements")
    for n, element in enumerate(elements):
        here = f"{place}/elements/{n}"
        if element.get("type") == "image":
            yield from _image(element, here)
        else:
            yield from _text(element, here, LIMITS["text"][""])


def _actions(block: Json, place: str) -> Iterator[str]:
    elements = _list(block.get("elements"))
    yield from _counted(elements, LIMITS["actions"]["elements"], f"{place}/elements")


def _input(block: Json, place: str) -> Iterator[str]:
    for name in ("label", "hint"):
        if name in block:
            limit = LIMITS["input"][name]
            yield from _text(block[name], f"{place}/{name}", limit, plain=True)


def _image(block: Json, place: str) -> Iterator[str]:
    yield from _shape(block, "image", place)
    for name in ("image_url", "alt_text"):
        if isinstance(block.get(name), str):
            yield from _length(block[name], LIMITS["image"][name], f"{place}/{name}")


def _markdown(block: Json, place: str) -> Iterator[str]:
    yield from _length(str(block.get("text", "")), LIMITS["markdown"]["text"], f"{place}/text")


def _alert(block: Json, place: str) -> Iterator[str]:
    yield from _text(block.get("text"), f"{place}/text", LIMITS["alert"]["text"])


def _table(block: Json, place: str) -> Iterator[str]:
    rows = _list(block.get("rows"))
    yield from _counted(rows, LIMITS["table"]["rows"], f"{place}/rows")
    for n, row in enumerate(rows):
        yield from _counted(row, LIMITS["table"]["columns"], f"{place}/rows/{n}")


def _rich(block: Json, place: str) -> Iterator[str]:
    for n, element in enumerate(_list(block.get("elements"))):
        here = f"{place}/elements/{n}"
        kind = element.get("type")
        if kind not in _RICH:
            yield f"{here}: {kind!r} is no part of rich text"
        elif not _list(element.get("elements")):
            yield f"{here}/elements: missing or empty"
        elif kind == "rich_text_list":
            yield from _rich(element, here)
        else:
            yield from _runs(element, here)


_RICH = ("rich_text_section", "rich_text_quote", "rich_text_preformatted", "rich_text_list")


def _runs(element: Json, place: str) -> Iterator[str]:
    for n, run in enumerate(_list(element.get("elements"))):
        here = f"{place}/elements/{n}"
        kind = str(run.get("type"))
        yield from _shape(run, kind, here)
        if kind == "text" and not run.get("text"):
            yield f"{here}/text: empty"
        if (
            kind == "link"
            and units(str(run.get("url", ""))) > LIMITS["button"]["url"]["max_length"]
        ):
            yield f"{here}/url: too long"


_CHECKS: Mapping[str, Callable[[Json, str], Iterator[str]]] = {
    "header": _header,
    "section": _section,
    "context": _context,
    "actions": _actions,
    "input": _input,
    "image": _image,
    "markdown": _markdown,
    "alert": _alert,
    "table": _table,
    "rich_text": _rich,
}


# ---------------------------------------------------------------------------------------- elements
def _elements(block: Json) -> Iterator[tuple[str, Json]]:
    """Yield the interactive elements of BLOCK with their place in it."""
    if block.get("type") == "actions":
        for n, element in enumerate(_list(block.get("elements"))):
            yield f"/elements/{n}", element
    for name in ("accessory", "element"):
        if isinstance(block.get(name), Mapping):
            yield f"/{name}", block[name]


def _element(element: Json, place: str) -> Iterator[str]:
    kind = str(element.get("type"))
    yield from _shape(element, kind, place)
    if isinstance(element.get("action_id"), str):
        yield from _length(element["action_id"], LIMITS["action_id"][""], f"{place}/action_id")
    if kind == "button":
        yield from _button(element, place)
    if kind.endswith("_select"):
        yield from _options(element, LIMITS["select"], place)
    if kind in ("overflow", "checkboxes", "radio_buttons"):
        yield from _options(element, LIMITS[kind], place)
    if "placeholder" in element:
        limit = LIMITS["select"]["placeholder"]
        yield from _text(element["placeholder"], f"{place}/placeholder", limit, plain=True)
    if isinstance(element.get("confirm"), Mapping):
        for name, limit in LIMITS["confirmation"].items():
            plain = name in PLAIN_ONLY
            yield from _text(
                element["confirm"].get(name), f"{place}/confirm/{name}", limit, plain=plain
            )


def _button(element: Json, place: str) -> Iterator[str]:
    limits = LIMITS["button"]
    yield from _text(element.get("text"), f"{place}/text", limits["text"], plain=True)
    for name in ("url", "value"):
        if isinstance(element.get(name), str):
            yield from _length(element[name], limits[name], f"{place}/{name}")
    if "style" in element and element["style"] not in STYLES:
        yield f"{place}/style: {element['style']!r}, not one of {sorted(STYLES)}"


def _options(element: Json, limits: Mapping[str, Mapping[str, int]], place: str) -> Iterator[str]:
    if "options" not in element:
        return
    options = _list(element["options"])
    yield from _counted(options, limits["options"], f"{place}/options")
    values: set[object] = set()
    for n, option in enumerate(options):
        here = f"{place}/options/{n}"
        plain = element.get("type") not in ("checkboxes", "radio_buttons")
        yield from _text(option.get("text"), f"{here}/text", LIMITS["option"]["text"], plain=plain)
        yield from _length(str(option.get("value", "")), LIMITS["option"]["value"], f"{here}/value")
        if option.get("value") in values:
            yield f"{here}/value: stands twice"
        values.add(option.get("value"))


# -------------------------------------------------------------------------------- texts and counts
def _text(
    text: object, place: str, limit: Mapping[str, int], *, plain: bool = False
) -> Iterator[str]:
    if not isinstance(text, Mapping):
        yield f"{place}: no text object"
        return
    kind = str(text.get("type"))
    allowed = ("plain_text",) if plain else ("plain_text", "mrkdwn")
    if kind not in allowed:
        yield f"{place}/type: {kind!r}, must be {' or '.join(allowed)}"
    yield from _shape(text, kind, place)
    body = text.get("text")
    if not isinstance(body, str) or not body.strip():
        yield f"{place}/text: empty"
        return
    yield from _length(body, limit, f"{place}/text")


def _length(text: str, limit: Mapping[str, int], place: str) -> Iterator[str]:
    if units(text) > limit["max_length"]:
        yield f"{place}: {units(text)} characters, at most {limit['max_length']}"


def _counted(items: Sequence[object], limit: Mapping[str, int], place: str) -> Iterator[str]:
    if len(items) > limit["max_items"]:
        yield f"{place}: {len(items)} items, at most {limit['max_items']}"
    if len(items) < limit.get("min_items", 0):
        yield f"{place}: {len(items)} items, at least {limit['min_items']}"


def _text_size(part: object, key: str = "") -> int:
    """Return the length of all texts inside PART, addresses and values left out."""
    if isinstance(part, str):
        return units(part) if key == "text" else 0
    if isinstance(part, Mapping):
        return sum(_text_size(value, str(k)) for k, value in part.items())
    if isinstance(part, list | tuple):
        return sum(_text_size(value) for value in part)
    return 0


def _list(value: object) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else ()
