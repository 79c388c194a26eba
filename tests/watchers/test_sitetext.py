"""HTML to plain text, and numbers as sites write them."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchers.sitetext import address, count, name, plain, tidy, truth


@pytest.mark.parametrize(
    ("written", "read"),
    [
        pytest.param('好<img alt="[怒]" src="x">', "好[怒]", id="the alt text of an emoji stays"),
        pytest.param("<p>一</p><p>二<br>三</p>", "一\n二\n三", id="paragraphs become lines"),
        pytest.param("<b>奥岚</b>&amp;<i>x</i>", "奥岚&x", id="entities are read"),
        pytest.param("3<5 且 7>6", "3<5 且 7>6", id="a bare sign is no tag"),
        pytest.param("a<script>alert(1)</script>b", "ab", id="scripts are dropped"),
        pytest.param("x\x00y\u200b z\ufeff", "xy z", id="NUL and zero-width marks go"),
        pytest.param("a\ud800b", "ab", id="half a character goes"),
        pytest.param(None, "", id="no text"),
        pytest.param(17, "", id="a number is no text"),
    ],
)
def test_text_is_plain(written: object, read: str) -> None:
    assert plain(written) == read


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (12, 12),
        (0, 0),
        ("34", 34),
        ("1,234", 1234),
        ("12.3万", 123_000),
        ("100万+", 1_000_000),
        ("11万", 110_000),
        ("1.2亿", 120_000_000),
        ("3.4k", 3_400),
        ("转发", 0),
        ("赞", 0),
        ("", None),
        ("many", None),
        (-1, None),
        (True, None),
        (None, None),
        ([], None),
    ],
)
def test_a_count_is_a_number_or_unknown(written: object, read: int | None) -> None:
    assert count(written) == read


def test_ids_and_flags_are_read_as_they_come() -> None:
    assert [name(v) for v in (12, "12", " a ", True, None, 1.5)] == ["12", "12", "a", "", "", ""]
    assert [truth(v) for v in (1, "1", True, 0, "0", "x", None)] == [
        *[True] * 3,
        *[False] * 2,
        *[None] * 2,
    ]


def test_text_that_is_no_html_keeps_its_signs() -> None:
    assert tidy("a <b> &amp;  c\x00\n\n d") == "a <b> &amp; c\nd"
    assert tidy(None) == ""


@pytest.mark.parametrize(
    "link", ["javascript:alert(1)", "data:text/html,x", "/relative", "", None, 5]
)
def test_a_link_that_is_no_address_of_the_web_is_dropped(link: object) -> None:
    assert address(link) == ""
    assert address("https://example.org/a") == "https://example.org/a"


@given(st.text(alphabet="<>/abimgscript=\"' \n&;alt", max_size=400))
def test_any_markup_is_survived(written: str) -> None:
    assert isinstance(plain(written), str)


@pytest.mark.parametrize("piece", ["<", "<img ", "<script", "<img alt=", '<img alt="', "&", "<p "])
def test_hostile_markup_costs_no_more_than_its_length(piece: str) -> None:
    began = time.process_time()
    plain(piece * 20_000)
    assert time.process_time() - began < 1
