"""Many strings looked for at once."""

from collections.abc import Iterator, Mapping
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

    def find(self, text: str) -> Iterator[tuple[Meaning, int, int]]:
        """Yield the meaning and place of each string in TEXT; places may overlap and cut words."""
        for index, start, end in self._automaton.find_matches_as_indexes(text, overlapping=True):
            yield self._meanings[index], start, end
