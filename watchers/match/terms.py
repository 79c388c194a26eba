"""Many strings looked for at once, and what each stands for."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Generic, TypeVar

import ahocorasick_rs

from watchers.match.reading import Reading

Use = TypeVar("Use")
Span = tuple[int, int]


class Terms(Generic[Use]):
    """Strings, each with its uses, found in one pass over a text however many they are."""

    def __init__(self, uses: Mapping[str, Sequence[Use]]) -> None:
        """Take folded strings, none empty."""
        self._uses = tuple(tuple(found) for found in uses.values())
        self._automaton = ahocorasick_rs.AhoCorasick(list(uses), store_patterns=False)

    def find(self, reading: Reading, text: str | None = None) -> Iterator[tuple[Use, int, int]]:
        """Yield each use of each whole hit with its span; hits may overlap.

        TEXT stands in for the reading's own: the same text character by character, as it sounds.
        """
        hits = self._automaton.find_matches_as_indexes(
            reading.text if text is None else text, overlapping=True
        )
        for index, start, end in hits:
            if reading.whole(start, end):
                for use in self._uses[index]:
                    yield use, start, end


def overlaps(span: Span, others: Sequence[Span]) -> bool:
    """Does SPAN share a character with one of OTHERS?"""
    start, end = span
    return any(start < other_end and other_start < end for other_start, other_end in others)
