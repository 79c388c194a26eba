"""Text of strangers stays text, is cut where it may be cut, and the checker knows Slack's limits."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.messages import check, problems
from bot.messages.blocks import BUDGET, Message, actions, button, message, plain_text, section, size
from bot.messages.text import address, as_is, clean, cut, escape, link, literal, units

FAMILY = "👩\u200d👩\u200d👧"
TEXT = {"type": "plain_text", "text": "x"}
BUTTON = {"type": "button", "text": TEXT, "action_id": "a", "value": "v"}


# ------------------------------------------------------------------------------- clean and cut
@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("骑\u200b云", "骑云", id="a zero-width space goes"),
        pytest.param("\u202eabc\u202c", "abc", id="bidi overrides go"),
        pytest.param("a\x00\x07b\x1b[31m", "ab[31m", id="control characters go"),
        pytest.param("a\ud800b", "ab", id="half a surrogate pair goes"),
        pytest.param("a\r\n\n b\u3000\t c", "a b c", id="white space becomes one space"),
        pytest.param(FAMILY, FAMILY, id="a joined emoji stays whole"),
        pytest.param("奥\u200d岚", "奥岚", id="a joiner between letters goes"),
        pytest.param("e" + "\u0301" * 40, "e" + "\u0301" * 3, id="a tower of marks is cut down"),
        pytest.param("a\U000e0041\U000e0042", "a", id="invisible tags go"),
        pytest.param("\u3164\u2800", "", id="blanks that are no spaces go"),
        pytest.param("☁️", "☁️", id="the emoji style stays"),
    ],
)
def test_what_cannot_be_seen_is_removed(text: str, shown: str) -> None:
    assert clean(text) == shown


def test_line_ends_stay_where_they_are_wanted() -> None:
    assert clean(" a \r\n\n\n b ", lines=True) == "a\nb"


@pytest.mark.parametrize(
    ("text", "most", "shown"),
    [
        pytest.param("abc", 3, "abc", id="what fits is left alone"),
        pytest.param("abcd", 3, "ab…", id="the mark counts"),
        pytest.param("a😀b", 3, "a…", id="a surrogate pair is not split"),
        pytest.param(f"ab{FAMILY}c", 6, "ab…", id="a family is not split"),
        pytest.param("🇨🇳🇫🇷x", 7, "🇨🇳…", id="a flag is not split"),
        pytest.param("ae\u0301z", 3, "a…", id="an accent stays with its letter"),
        pytest.param("ab cd", 4, "ab…", id="no space before the mark"),
    ],
)
def test_a_cut_splits_no_character(text: str, most: int, shown: str) -> None:
    assert cut(text, most) == shown


@pytest.mark.parametrize("most", range(1, 12))
def test_a_cut_is_measured_after_escaping_and_never_inside_an_entity(most: int) -> None:
    shown = literal("H&M<b>", most)
    assert units(shown) <= most
    assert re.fullmatch(r"(?:&amp;|&lt;|&gt;|[^&<>])*", shown)


def test_the_three_characters_are_escaped_once() -> None:
    assert escape("H&M <!channel> &amp;") == "H&amp;M &lt;!channel&gt; &amp;amp;"


@pytest.mark.parametrize(
    "text",
    ["*bold*", "_it_", "~no~", "`code`", ":fire:", "a :+1: b", "> quote"],
)
def test_markup_of_strangers_stays_asleep(text: str) -> None:
    shown = literal(text, 100)
    assert not re.search(r"[*~`]|(?<!\w)_|_(?!\w)|:[\w+'-]+:|^>", shown)


def test_names_and_times_of_day_keep_their_marks() -> None:
    assert literal("zhang_san at 20:15: fine", 100) == "zhang_san at 20:15: fine"
    assert literal("Decide: real, or not", 100) == "Decide: real, or not"


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "weibo.com/1",
        "https://",
        "https://a.example/\u202egpj",
        "https://a.example/a b",
        "https://a.example/" + "x" * 1001,
        "",
    ],
)
def test_what_is_no_web_address_becomes_no_link(url: str) -> None:
    assert address(url) is None
    assert link(url, "Open post") == "Open post"


def test_an_address_cannot_close_its_link() -> None:
    shown = link("https://a.example/?a=1&b=2|x>y<!channel>", "Open")
    assert shown == "<https://a.example/?a=1&amp;b=2%7Cx%3Ey%3C!channel%3E|Open>"


@given(st.text(max_size=400), st.integers(1, 80))
def test_any_text_fits_and_is_never_empty(text: str, most: int) -> None:
    shown = as_is(text, most)
    assert shown
    assert units(shown) <= most
    shown.encode()  # no half pair


# ----------------------------------------------------------------------------------------- budget
def test_what_exceeds_the_budget_is_left_out_and_said_but_buttons_stay() -> None:
    long = [section(plain_text("x" * 2_800)) for _ in range(8)]
    made = message("text", [*long, actions([button("Go", "ack", "{}")])])
    assert problems(made) == []
    assert sum(map(size, made.blocks)) <= BUDGET + 100
    kinds = [b["type"] for b in made.blocks]
    assert kinds.count("actions") == 1
    assert made.blocks[-1]["elements"][0]["text"].startswith("… 5 more")


def test_sixty_blocks_become_fifty_at_most() -> None:
    made = message("text", [section(plain_text("x")) for _ in range(60)])
    assert problems(made) == []


# ---------------------------------------------------------------------------------------- checker
def many(count: int, part: Any) -> list[Any]:
    return [part for _ in range(count)]


def text(length: int, kind: str = "plain_text") -> dict[str, Any]:
    return {"type": kind, "text": "字" * length}


def select(count: int) -> dict[str, Any]:
    options = [{"text": TEXT, "value": str(n)} for n in range(count)]
    return {"type": "static_select", "action_id": "s", "options": options}


def buttons(count: int) -> list[dict[str, Any]]:
    return [BUTTON | {"action_id": f"a{n}"} for n in range(count)]


def table(rows: int, columns: int) -> dict[str, Any]:
    cell = {"type": "raw_text", "text": "x"}
    return {"type": "table", "rows": many(rows, many(columns, cell))}


def in_actions(element: dict[str, Any]) -> dict[str, Any]:
    return {"type": "actions", "elements": [element]}


def entry(**changes: Any) -> dict[str, Any]:
    field = {"type": "plain_text_input", "action_id": "i"}
    return {"type": "input", "label": TEXT, "element": field} | changes


# for each rule of slack.md 1.3 a valid case at the limit and an invalid one above it
RULES = [
    ("header", {"type": "header", "text": text(150)}, {"type": "header", "text": text(151)}),
    ("section", {"type": "section", "text": text(3000)}, {"type": "section", "text": text(3001)}),
    (
        "ten fields",
        {"type": "section", "fields": many(10, text(5))},
        {"type": "section", "fields": many(11, text(5))},
    ),
    (
        "a field",
        {"type": "section", "fields": [text(2000)]},
        {"type": "section", "fields": [text(2001)]},
    ),
    (
        "context",
        {"type": "context", "elements": many(10, TEXT)},
        {"type": "context", "elements": many(11, TEXT)},
    ),
    (
        "25 buttons",
        {"type": "actions", "elements": buttons(25)},
        {"type": "actions", "elements": buttons(26)},
    ),
    ("label", in_actions(BUTTON | {"text": text(75)}), in_actions(BUTTON | {"text": text(76)})),
    (
        "value",
        in_actions(BUTTON | {"value": "v" * 2000}),
        in_actions(BUTTON | {"value": "v" * 2001}),
    ),
    (
        "address",
        in_actions(BUTTON | {"url": "https://a.example/".ljust(3000, "x")}),
        in_actions(BUTTON | {"url": "https://a.example/".ljust(3001, "x")}),
    ),
    (
        "style",
        in_actions(BUTTON | {"style": "danger"}),
        in_actions(BUTTON | {"style": "warning"}),
    ),
    (
        "action ids",
        {"type": "actions", "elements": buttons(2)},
        {"type": "actions", "elements": many(2, BUTTON)},
    ),
    ("a hundred options", in_actions(select(100)), in_actions(select(101))),
    (
        "one option at least",
        in_actions(select(1)),
        in_actions(select(0)),
    ),
    (
        "block id",
        {"type": "divider", "block_id": "b" * 255},
        {"type": "divider", "block_id": "b" * 256},
    ),
    ("an empty text", {"type": "section", "text": TEXT}, {"type": "section", "text": text(0)}),
    (
        "the kind of text",
        {"type": "header", "text": TEXT},
        {"type": "header", "text": TEXT | {"type": "mrkdwn"}},
    ),
    (
        "unknown keys",
        {"type": "section", "text": TEXT},
        {"type": "section", "text": TEXT | {"verbatim": True}},
    ),
    ("columns", table(2, 20), table(2, 21)),
    ("rows", table(100, 2), table(101, 2)),
    ("a known block", {"type": "divider"}, {"type": "alert", "text": TEXT}),
    (
        "empty rich text",
        {
            "type": "rich_text",
            "elements": [
                {"type": "rich_text_section", "elements": [{"type": "text", "text": "x"}]}
            ],
        },
        {
            "type": "rich_text",
            "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": ""}]}],
        },
    ),
    (
        "a picture's words",
        {"type": "image", "image_url": "https://a.example/a.png", "alt_text": "x"},
        {"type": "image", "image_url": "https://a.example/a.png"},
    ),
]


@pytest.mark.parametrize(("good", "bad"), [pytest.param(g, b, id=n) for n, g, b in RULES])
def test_a_block_at_the_limit_passes_and_one_above_does_not(
    good: dict[str, Any], bad: dict[str, Any]
) -> None:
    assert problems({"text": "t", "blocks": [good]}) == []
    found = problems({"text": "t", "blocks": [bad]})
    assert found
    assert all(fault.startswith("/blocks") for fault in found)
    assert problems({"text": "t", "attachments": [{"blocks": [bad]}]})


MODAL = {
    "type": "modal",
    "title": TEXT,
    "submit": TEXT,
    "callback_id": "c",
    "private_metadata": "{}",
    "blocks": [entry()],
}


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        pytest.param({"title": text(24)}, {"title": text(25)}, id="title"),
        pytest.param({"close": text(24)}, {"close": text(25)}, id="close"),
        pytest.param(
            {"private_metadata": "m" * 3000}, {"private_metadata": "m" * 3001}, id="metadata"
        ),
        pytest.param({"callback_id": "c" * 255}, {"callback_id": "c" * 256}, id="callback id"),
        pytest.param(
            {"blocks": many(100, {"type": "divider"})},
            {"blocks": many(101, {"type": "divider"})},
            id="a hundred blocks",
        ),
        pytest.param(
            {"blocks": [entry(label=text(2000))]},
            {"blocks": [entry(label=text(2001))]},
            id="label",
        ),
        pytest.param(
            {"blocks": [{"type": "alert", "text": text(200), "level": "info"}]},
            {"blocks": [{"type": "alert", "text": text(201), "level": "info"}]},
            id="alert",
        ),
        pytest.param({}, {"submit": None}, id="an input needs a submit"),
        pytest.param({}, {"blocks": [{"type": "markdown", "text": "x"}]}, id="no markdown there"),
    ],
)
def test_a_view_at_the_limit_passes_and_one_above_does_not(
    good: dict[str, Any], bad: dict[str, Any]
) -> None:
    assert problems(MODAL | good) == []
    assert problems({k: v for k, v in (MODAL | bad).items() if v is not None})


@pytest.mark.parametrize(
    "given_",
    [
        pytest.param({"text": ""}, id="no text"),
        pytest.param({"text": "x" * 40_001}, id="text too long"),
        pytest.param({"text": "t", "blocks": many(51, {"type": "divider"})}, id="51 blocks"),
        pytest.param(
            {"text": "t", "blocks": many(5, {"type": "section", "text": text(2800)})},
            id="too much text in all",
        ),
        pytest.param({"text": "t", "blocks": many(2, table(1, 1))}, id="two tables"),
        pytest.param(
            {"text": "t", "blocks": many(2, {"type": "divider", "block_id": "b"})},
            id="a block id twice",
        ),
        pytest.param({"text": "t", "metadata": {"x": "y" * 500}}, id="metadata that holds texts"),
    ],
)
def test_a_message_that_slack_refuses_is_found_out(given_: dict[str, Any]) -> None:
    assert problems(given_)


def test_a_plain_message_passes() -> None:
    assert problems(Message("text")) == []


def test_the_limits_are_those_of_the_published_tables(shared: Path) -> None:
    published = json.loads((shared / "data/slack-api/block-kit/limits.json").read_text())
    for kind, fields in check.LIMITS.items():
        for field, limits in fields.items():
            theirs = published[kind][field] if field else published[kind]
            assert limits == {name: theirs[name] for name in limits}, f"{kind}.{field}"


def test_the_surfaces_are_those_of_the_published_tables(shared: Path) -> None:
    published = json.loads((shared / "data/slack-api/block-kit/surfaces.json").read_text())
    assert {s: sorted(kinds) for s, kinds in check.SURFACES.items()} == published
