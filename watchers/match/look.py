"""Why a text speaks of a client: names, weighed against exclusions and companions.

Whether a string cuts a word costs most, so it is asked last, and of the likeliest name first.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from watchers.match.reading import Reading
from watchers.match.terms import Span
from watchers.model import MatchKind, Mention

EVERYBODY = ""  # whose the companions are that serve every client
_ORDER = {kind: place for place, kind in enumerate(MatchKind)}  # best first


@dataclass(frozen=True, slots=True)
class Name:
    """A string that means a client."""

    client: str
    term: str
    kind: MatchKind = MatchKind.NAME
    alone: bool = True  # False: needs a companion


@dataclass(slots=True)
class Meaning:
    """What one string does: for whom it is a name, a companion (of which term), an exclusion."""

    names: list[Name] = field(default_factory=list)
    accompanies: dict[str, str] = field(default_factory=dict)
    excludes: set[str] = field(default_factory=set)


Found = tuple[Meaning, int, int]


@dataclass(slots=True)
class _Hit:
    """A name as it was found, not yet weighed."""

    name: Name
    kind: MatchKind
    alone: bool
    start: int
    end: int
    within: "_Layer"

    @property
    def order(self) -> tuple[int, int, int, str]:
        """Best kind first, then where it stands, the longest, the term."""
        start, end = self.within.reading.before(self.start, self.end)
        return (_ORDER[self.kind], start, start - end, self.name.term)


class _Layer:
    """One reading and the exclusions that stand in it."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.exclusions: list[Found] = []
        self._blanks: dict[str, bytearray] = {}

    def free(self, client: str, start: int, end: int) -> bool:
        """Is this place free of exclusions of CLIENT?"""
        return not (self.exclusions and any(self._blank(client)[start:end]))

    def stands(self, client: str, start: int, end: int) -> bool:
        """Is this place free of exclusions of CLIENT, and does it cut no word?"""
        return self.free(client, start, end) and self.reading.whole(start, end)

    def _blank(self, client: str) -> bytearray:
        """Return 1 for each character that is blanked for CLIENT.

        Each exclusion stands for itself, so that one more never brings a hit back: blanked one
        after the other, a new long phrase could save a hit from a shorter one.
        """
        if client not in self._blanks:
            blank = bytearray(len(self.reading.text))
            for meaning, start, end in self.exclusions:
                if client in meaning.excludes and self.reading.whole(start, end):
                    blank[start:end] = b"\x01" * (end - start)
            self._blanks[client] = blank
        return self._blanks[client]


class Look:
    """What was found in a text; BEHIND is the text it repeats, which lends companions."""

    def __init__(
        self, reading: Reading, found: Iterable[Found], behind: "Look | None" = None
    ) -> None:
        self._behind = behind
        self._layer = _Layer(reading)
        self._hits: dict[str, list[_Hit]] = defaultdict(list)  # by client
        self._companions: list[Found] = []  # first place first
        for each in found:
            meaning, start, end = each
            self._add(meaning.names, start, end)
            if meaning.accompanies:
                self._companions.append(each)
            if meaning.excludes:
                self._layer.exclusions.append(each)
        self._companions.sort(key=_place)

    @property
    def reading(self) -> Reading:
        """The text that was looked through."""
        return self._layer.reading

    def free(self, client: str, start: int, end: int) -> bool:
        """Is this place free of exclusions of CLIENT?"""
        return self._layer.free(client, start, end)

    @property
    def accompanied(self) -> bool:
        """May there be a companion of anybody's?"""
        return bool(self._companions) or (self._behind is not None and self._behind.accompanied)

    def add(self, found: Iterable[Found]) -> None:
        """Add names FOUND at places of the same text in another form."""
        for meaning, start, end in found:
            self._add(meaning.names, start, end)

    def accompanies(self, client: str) -> bool:
        """May there be a companion for CLIENT, here or behind?"""
        return any(
            client in meaning.accompanies or EVERYBODY in meaning.accompanies
            for meaning, _, _ in self._companions
        ) or (self._behind is not None and self._behind.accompanies(client))

    def add_bridged(self, reading: Reading, found: Iterable[Found]) -> None:
        """Add names that have marks or spaces between their characters.

        Spaces are bridged in plain names only, and make a companion necessary.
        """
        layer = _Layer(reading)
        for each in found:
            meaning, start, end = each
            if meaning.excludes:
                layer.exclusions.append(each)
            if not reading.bridges(start, end):
                continue
            spaced = reading.spaced(start, end)
            for name in meaning.names:
                plain = name.kind is MatchKind.NAME
                if plain or not spaced:
                    kind = MatchKind.BRIDGED if plain else name.kind
                    hit = _Hit(name, kind, name.alone and not spaced, start, end, layer)
                    self._hits[name.client].append(hit)

    def _add(self, names: Iterable[Name], start: int, end: int) -> None:
        for name in names:
            hit = _Hit(name, name.kind, name.alone, start, end, self._layer)
            self._hits[name.client].append(hit)

    def mentions(self, *, quoted: bool = False) -> dict[str, Mention]:
        """Return the best mention of each client that is mentioned."""
        mentions = {}
        for client, hits in self._hits.items():
            for hit in sorted(hits, key=lambda hit: hit.order):
                mention = self._mention(hit, quoted=quoted)
                if mention is not None:
                    mentions[client] = mention
                    break
        return mentions

    def _mention(self, hit: _Hit, *, quoted: bool) -> Mention | None:
        """Return what HIT amounts to; None: a rule strikes it out, or it lacks a companion."""
        client, reading = hit.name.client, hit.within.reading
        if not hit.alone and not self.accompanies(client):
            return None
        place = reading.before(hit.start, hit.end)
        if not (hit.within.stands(client, hit.start, hit.end) and self._layer.free(client, *place)):
            return None
        companion = None if hit.alone else self.companion(client, place)
        if not hit.alone and companion is None:
            return None
        return Mention(
            client=client,
            term=hit.name.term,
            found=reading.found(*place),
            kind=hit.kind,
            companion=companion,
            quoted=quoted,
        )

    def companion(self, client: str, beside: Span) -> str | None:
        """Return a companion for CLIENT that shares nothing with the hit BESIDE it.

        The client's own come before risk terms, those of this text before those behind.
        """
        start, end = beside
        for owner in (client, EVERYBODY):
            for place, term in self._standing(client, owner):
                if place[1] <= start or end <= place[0]:
                    return term
        return None if self._behind is None else self._behind.companion(client, (0, 0))

    def _standing(self, client: str, owner: str) -> Iterator[tuple[Span, str]]:
        """Yield the companions of OWNER, first place first, that are not blanked for CLIENT."""
        for meaning, start, end in self._companions:
            if owner in meaning.accompanies and self._layer.stands(client, start, end):
                yield (start, end), meaning.accompanies[owner]


def _place(found: Found) -> Span:
    _, start, end = found
    return start, end
