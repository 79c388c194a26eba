"""Many strings looked for at once."""

from collections.abc import Mapping
from typing import Generic, TypeVar

import ahocorasick_rs

Meaning = TypeVar("Meaning")
Span = tuple[int, int]


class Terms(Generic[Meaning]):
    """Strings and what each means, found in one pass over a text however many they are."""

    def __init__(self, meanings: Mapping[str, Meaning]) -> None:
        """Take folded strings, none empty."""
        self._meanings = tuple(meanings.values())
        self._automaton = ahocorasick_rs.AhoCorasick(list(meanings), store_patterns=False)

    def find(self, text: str) -> list[tuple[Meaning, int, int]]:
        """Return the meaning and place of each string in TEXT; places may overlap and cut words."""
        meanings = self._meanings
        found = self._automaton.find_matches_as_indexes(text, overlapping=True)
        return [(meanings[index], start, end) for index, start, end in found]
