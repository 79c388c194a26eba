"""Which crisis types a text speaks of. Knows no client.

Terms are found like the names of clients: folded, never cutting a word or a number, one mark
inside Chinese bridged. They have no same-sound match: 自然 sounds like 自燃.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum

from watchers.match.folding import fold
from watchers.match.reading import Reading, read, split_quoted
from watchers.match.terms import Span, Terms
from watchers.model import CrisisType, Tone, TypeHit


class _Force(IntEnum):
    """What a term of a type does."""

    EXCLUDES = 0
    WEAK = 1
    STRONG = 2


@dataclass(frozen=True, slots=True)
class _Use:
    type: str
    term: str
    force: _Force


@dataclass(frozen=True, slots=True)
class _Hit:
    span: Span
    term: str
    strong: bool


class RiskModel:
    """The lexicons of all crisis types, looked for at once."""

    def __init__(self, types: Sequence[CrisisType]) -> None:
        uses: dict[str, list[_Use]] = defaultdict(list)
        for use in _uses(types):
            if folded := fold(use.term).strip():
                uses[folded].append(use)
        self._terms = Terms(uses)
        self._severities = {kind.id: kind.severity for kind in types}

    def types(self, text: str, tone: Tone) -> tuple[TypeHit, ...]:
        """Return the crisis types of TEXT: most terms first, then the higher default severity.

        A weak term counts beside another term of its type, or in a negative text. Only the
        author's own words count, not what they repeat after `//@name:`.
        """
        own, _ = split_quoted(text)
        hits = self._hits(read(own))
        types = (_type_hit(type_, found, tone) for type_, found in hits.items())
        return tuple(sorted(filter(None, types), key=self._order))

    def _order(self, hit: TypeHit) -> tuple[int, str, str]:
        return (-len(hit.terms), self._severities[hit.type].value, hit.type)

    def _hits(self, reading: Reading) -> dict[str, list[_Hit]]:
        """Return the hits by type, bridged ones included, in the order of the text."""
        hits: dict[str, list[_Hit]] = defaultdict(list)
        self._note(hits, reading)
        for squeezed in (reading.squeezed(), reading.squeezed(spaces=True)):
            if squeezed is not None:
                self._note(hits, squeezed)
        return hits

    def _note(self, hits: dict[str, list[_Hit]], reading: Reading) -> None:
        """Add what stands in READING, excluded phrases blanked inside their type."""
        found = [
            (use, start, end)
            for uses, start, end in self._terms.find(reading.text)
            if (not reading.bridged or reading.bridges(start, end)) and reading.whole(start, end)
            for use in uses
        ]
        blank: dict[str, bytearray] = defaultdict(lambda: bytearray(len(reading.text)))
        for use, start, end in found:
            if use.force is _Force.EXCLUDES:
                blank[use.type][start:end] = b"\x01" * (end - start)
        for use, start, end in found:
            blanked = use.type in blank and any(blank[use.type][start:end])
            if use.force is not _Force.EXCLUDES and not blanked:
                # Spaces need company: a term spelled with them is no better than a weak one.
                strong = use.force is _Force.STRONG and not reading.spaced(start, end)
                hits[use.type].append(_Hit(reading.before(start, end), use.term, strong))


def _uses(types: Iterable[CrisisType]) -> Iterator[_Use]:
    for kind in types:
        for force, terms in (
            (_Force.STRONG, kind.strong),
            (_Force.WEAK, (*kind.weak, *kind.evasions)),
            (_Force.EXCLUDES, kind.exclude),
        ):
            for term in terms:
                yield _Use(kind.id, term, force)


def _type_hit(type_: str, hits: Sequence[_Hit], tone: Tone) -> TypeHit | None:
    """Return what HITS make of a type; None: one weak term, and nothing else speaks for it."""
    kept = _outermost(hits)
    terms = tuple(dict.fromkeys(hit.term for hit in kept))
    strong = any(hit.strong for hit in kept)
    if strong or len(terms) > 1 or (terms and tone is Tone.NEGATIVE):
        return TypeHit(type=type_, terms=terms, strong=strong)
    return None


def _outermost(hits: Iterable[_Hit]) -> list[_Hit]:
    """Return HITS in the order of the text without those inside longer ones (崩了 in 又崩了)."""
    kept: list[_Hit] = []
    reached = 0
    for hit in sorted(hits, key=lambda hit: (hit.span[0], -hit.span[1], hit.term)):
        if hit.span[1] > reached or hit.span == kept[-1].span:
            kept.append(hit)
            reached = hit.span[1]
    return kept
