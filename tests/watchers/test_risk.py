"""Which crisis types a text speaks of, with the shipped lexicons and with small ones."""

import pytest

from bot.playbooks import load
from tests.watchers.matching_cases import CASES, Case
from watchers.risk import RiskModel


@pytest.fixture(scope="module")
def shipped() -> RiskModel:
    return RiskModel(load().crisis_types())


@pytest.mark.parametrize("case", [c for c in CASES if c.has or c.lacks], ids=str)
def test_the_types_of_the_51_cases(shipped: RiskModel, case: Case) -> None:
    types = {hit.type for hit in shipped.types(case.text, case.tone)}
    assert types >= set(case.has.split())
    assert not types & set(case.lacks.split())
