"""Boolean rules: what meets them and what does not, from both sides; patterns that cannot hold up."""

import time
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchers.clients import dump, load
from watchers.errors import BadClientFile
from watchers.match import Matcher
from watchers.model import Client, MatchKind, Rule

AULANE = Client(
    id="aulane",
    name="Aulane",
    names=("Aulane",),
    exclude=("奥岚坡",),
    rules=(
        Rule(
            name="battery fires",
            all=("奥岚", "电池"),
            any=("起火", "re:冒.{0,3}烟"),
            none=("招聘", "re:二手.{0,2}转让"),
        ),
    ),
)
MATCHER = Matcher((AULANE,))


@pytest.mark.parametrize(
    "text",
    [
        "奥岚的电池起火了",
        "奥岚电池冒黑烟",
        "奧嵐的電池起火了",  # traditional script
        "奥*岚电池起火",  # a bridged mark
        "电池冒烟，就是奥岚那款",  # any order
        "＃奥岚＃电池起火",
    ],
)
def test_a_text_that_meets_all_conditions_is_a_mention(text: str) -> None:
    (mention,) = MATCHER.find_text(text)
    assert (mention.client, mention.term, mention.kind) == (
        "aulane",
        "battery fires",
        MatchKind.RULE,
    )
    assert mention.found in text
    assert not mention.quoted


@pytest.mark.parametrize(
    "text",
    [
        "奥岚起火了",  # one of all is missing
        "奥岚电池很耐用",  # none of any
        "奥岚电池起火，招聘质检",  # one of none
        "奥岚电池冒烟，二手低价转让",  # a pattern of none
        "奥岚电池冒着很大很大的烟",  # too far apart for the pattern
        "奥岚坡电池起火",  # the exclusion blanks the only 奥岚
        "奥。岚电池起火",  # a sentence mark is never bridged
        "",
    ],
)
def test_a_text_that_misses_one_is_none(text: str) -> None:
    assert MATCHER.find_text(text) == ()


def test_the_name_itself_is_the_better_reason() -> None:
    (mention,) = MATCHER.find_text("Aulane 奥岚电池起火")
    assert mention.kind is MatchKind.NAME


def test_repeated_words_meet_a_rule_as_a_repost() -> None:
    (mention,) = MATCHER.find_text("转发微博 //@示例: 奥岚电池起火")
    assert (mention.kind, mention.quoted) == (MatchKind.RULE, True)
    assert MATCHER.find_text("奥岚电池 //@示例: 起火了") == ()  # conditions hold in one text


def test_rules_of_other_clients_are_their_own() -> None:
    other = replace(AULANE, id="beiman", names=("贝漫",), exclude=())
    for clients in ((AULANE, other), (other, AULANE)):
        found = Matcher(clients).find_text("奥岚坡电池起火")
        assert [m.client for m in found] == ["beiman"]


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|a)*b", "(.*)*x", "(a|aa)+$"])
def test_no_pattern_can_hold_up_a_round(pattern: str) -> None:
    """Such patterns take a backtracking engine longer than the universe is old."""
    matcher = Matcher((replace(AULANE, rules=(Rule(name="r", any=(f"re:{pattern}",)),)),))
    plain = Matcher((replace(AULANE, rules=(Rule(name="r", any=("re:zzz",)),)),))
    text = "a" * 20_000 + "!"
    spent = []
    for each in (plain, matcher):
        start = time.perf_counter()
        each.find_text(text)
        spent.append(time.perf_counter() - start)
    assert spent[1] < 200 * spent[0] + 1.0


BASE = '[[client]]\nid = "aulane"\nname = "Aulane"\nnames = ["奥岚"]\n\n[[client.rules]]\n'


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ('name = "x"\nnone = ["a1"]', "has neither all nor any"),
        ('name = "x"\nall = ["re:(a"]', "re:(a: missing )"),
        ('name = "x"\nall = ["re:(?<=a)b"]', "invalid perl operator"),
        ('name = "x"\nany = ["re:a*"]', "it matches the empty text"),
        ('name = "x"\nall = ["起火"]\nnone = ["起火"]', "wants 起火 and forbids it"),
        ('all = ["起火"]', "name is missing"),
        ('name = "x"\nevery = ["起火"]', 'unknown key "every"'),
        ('name = "x"\nall = "起火"', "must be a list of texts"),
        ('name = "x"\nall = ["a1"]\n[[client.rules]]\nname = "x"\nall = ["b1"]', "holds x twice"),
    ],
)
def test_a_rule_that_cannot_be_meant_is_named_with_its_place(rule: str, said: str) -> None:
    with pytest.raises(BadClientFile) as error:
        load(BASE + rule, "clients.toml")
    assert said in str(error.value)
    assert 'client[1] "aulane"' in str(error.value)


def test_a_rule_is_written_so_that_it_reads_the_same() -> None:
    assert load(dump([AULANE]), "there")[0].rules == AULANE.rules


WORDS = st.lists(
    st.sampled_from(["奥岚", "电池", "起火", "冒烟", "招聘", "，", " ", "a"]), max_size=8
)


@given(WORDS, st.sampled_from(["奥岚坡", "电池", "起火", "岚电", "招聘"]))
@settings(max_examples=200, deadline=None)
def test_one_more_exclusion_or_forbidden_word_never_adds_a_mention(
    words: list[str], more: str
) -> None:
    text = "".join(words)
    rule = AULANE.rules[0]
    stricter = (
        replace(AULANE, exclude=(*AULANE.exclude, more)),
        replace(AULANE, rules=(replace(rule, none=(*rule.none, more)),)),
    )
    if not MATCHER.find_text(text):
        assert Matcher((stricter[0],)).find_text(text) == ()
        assert Matcher((stricter[1],)).find_text(text) == ()
