"""Which client a post speaks of, from both sides of every rule."""

import pytest

from bot.playbooks import load
from tests.watchers.matching_cases import CASES, CLIENTS, Case, Hit, post
from watchers.match import Matcher


@pytest.fixture(scope="module")
def matcher() -> Matcher:
    types = load().crisis_types()
    return Matcher(CLIENTS, [term for kind in types for term in kind.strong])


def _hit(matcher: Matcher, case: Case) -> Hit:
    mentions = matcher.find(post(case.text, author=case.author))
    found = [mention for mention in mentions if mention.client == case.client]
    assert len(found) == len(mentions), "a case speaks of one client only"
    if not found:
        return Hit.NO
    return Hit.QUOTED if found[0].quoted else Hit.YES


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_51_cases_of_the_matching_rules(matcher: Matcher, case: Case) -> None:
    assert _hit(matcher, case) is case.hit
