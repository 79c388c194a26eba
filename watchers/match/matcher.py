"""Whether a post speaks of a client, by which of its terms, and in what form."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from watchers.match.folding import fold
from watchers.match.reading import Reading, split_quoted
from watchers.match.sounds import is_han, pinyin, sound_patterns, sounded
from watchers.match.terms import Span, Terms, overlaps
from watchers.model import Client, MatchKind, Mention, Post

_ORDER = {kind: place for place, kind in enumerate(MatchKind)}  # best first
_SYLLABLES_ALONE = 3  # pinyin of two syllables belongs to dozens of words: it needs a companion
_INITIALS_LEAST = 3
_EVERYBODY = ""  # whose the companions are that serve every client


class _Part(Enum):
    """What a string does for its client."""

    NAMES = "names"
    ACCOMPANIES = "accompanies"
    EXCLUDES = "excludes"


@dataclass(frozen=True, slots=True)
class _Use:
    client: str
    term: str
    part: _Part
    kind: MatchKind = MatchKind.NAME
    alone: bool = True  # False: needs a companion


@dataclass(frozen=True, slots=True)
class _Hit:
    term: str
    found: str
    kind: MatchKind
    alone: bool
    span: Span

    @property
    def order(self) -> tuple[int, int, int, str]:
        """Best kind first, then where it stands, the longest, the term."""
        start, end = self.span
        return (_ORDER[self.kind], start, start - end, self.term)


@dataclass(slots=True)
class _Evidence:
    """What one text holds for one client."""

    hits: list[_Hit] = field(default_factory=list)
    companions: list[tuple[Span, str]] = field(default_factory=list)
    excluded: list[Span] = field(default_factory=list)


_NOTHING = _Evidence()
_ByClient = dict[str, _Evidence]


class Matcher:
    """All terms of all clients. The order of clients does not matter."""

    def __init__(self, clients: Sequence[Client], companions: Sequence[str] = ()) -> None:
        """Take the clients and the strong risk terms, which are companions for each of them."""
        uses: dict[str, list[_Use]] = defaultdict(list)
        sounds: dict[str, list[_Use]] = defaultdict(list)
        for client in clients:
            _add(uses, _uses_of(client))
            _add(sounds, _sounds_of(client))
        _add(uses, ((term, _Use(_EVERYBODY, term, _Part.ACCOMPANIES)) for term in companions))
        self._terms = Terms(uses)
        self._sounds = Terms(sounds)
        self._own = {client.id: _own_accounts(client) for client in clients}

    def find(self, post: Post) -> tuple[Mention, ...]:
        """Return at most one mention a client, in the order of their ids.

        What a client's own accounts write is no mention of that client.
        """
        mentions = self.find_text(post.text, post.quoted)
        return tuple(m for m in mentions if not _is_own(post, self._own[m.client]))

    def find_text(self, text: str, quoted: str = "") -> tuple[Mention, ...]:
        """Return the mentions in TEXT and, where only they hold one, in the QUOTED words.

        Quoted words may lend a companion to the author's own, not the other way round.
        """
        own, repeated = split_quoted(text)
        repeated = "\n".join(part for part in (repeated, quoted) if part)
        behind = self._evidence(repeated) if repeated else {}
        mentions = _mentions(behind, {}, quoted=True)
        lent = any(found.companions for found in behind.values())
        mentions.update(_mentions(self._evidence(own, lent=lent), behind, quoted=False))
        return tuple(mentions[client] for client in sorted(mentions))

    def _evidence(self, text: str, *, lent: bool = False) -> _ByClient:
        """Return what TEXT holds for each client, and for everybody.

        What no client could use without a companion is left out where there is none, nor one LENT.
        """
        reading = Reading(text)
        found = list(self._terms.find(reading))
        accompanied = lent or any(use.part is _Part.ACCOMPANIES for use, _, _ in found)
        evidence: _ByClient = defaultdict(_Evidence)
        _note(evidence, [*found, *(self._same_sound(reading) if accompanied else ())], reading)
        if (squeezed := reading.squeezed()) is not None:
            same_sound = self._same_sound(squeezed) if accompanied else ()
            _note(evidence, [*self._terms.find(squeezed), *same_sound], squeezed)
        if accompanied and (squeezed := reading.squeezed(spaces=True)) is not None:
            _note(evidence, list(self._terms.find(squeezed)), squeezed)
        return evidence

    def _same_sound(self, reading: Reading) -> Iterator[tuple[_Use, int, int]]:
        return self._sounds.find(reading, sounded(reading.text))


# ------------------------------------------------------------------------------- strings of a client
def _add(uses: dict[str, list[_Use]], found: Iterator[tuple[str, _Use]]) -> None:
    for string, use in found:
        if (folded := fold(string).strip()) and use not in uses[folded]:
            uses[folded].append(use)


def _uses_of(client: Client) -> Iterator[tuple[str, _Use]]:
    """Yield all that is looked for in the text as it stands."""
    own = ["@" + account.partition(":")[2].removeprefix("@") for account in client.own_accounts]
    for term in (*client.names, *(name for name in own if name != "@")):
        yield term, _Use(client.id, term, _Part.NAMES)
    for term in client.ambiguous:
        yield term, _Use(client.id, term, _Part.NAMES, MatchKind.AMBIGUOUS, alone=False)
    for term in client.initials:
        if len(term) >= _INITIALS_LEAST:
            yield term, _Use(client.id, term, _Part.NAMES, MatchKind.INITIALS, alone=False)
    for term, alone in _spelled(client):
        for string in pinyin(fold(term)):
            yield string, _Use(client.id, term, _Part.NAMES, MatchKind.PINYIN, alone)
    for term in client.companions:
        yield term, _Use(client.id, term, _Part.ACCOMPANIES)
    for term in client.exclude:
        yield term, _Use(client.id, term, _Part.EXCLUDES)


def _spelled(client: Client) -> Iterator[tuple[str, bool]]:
    """Yield the terms that may be typed in pinyin, and whether that suffices alone."""
    for term in client.names:
        if _sounds(term):
            yield term, len(fold(term)) >= _SYLLABLES_ALONE
    for term in client.ambiguous:
        if _sounds(term):
            yield term, False


def _sounds_of(client: Client) -> Iterator[tuple[str, _Use]]:
    """Yield what is looked for in the text as it sounds."""
    for term in filter(_sounds, client.names):
        use = _Use(client.id, term, _Part.NAMES, MatchKind.HOMOPHONE, alone=False)
        for pattern in sound_patterns(fold(term)):
            yield pattern, use


def _sounds(term: str) -> bool:
    """Has TERM two Chinese characters or more, and nothing else?"""
    folded = fold(term)
    return len(folded) > 1 and all(map(is_han, folded))


# -------------------------------------------------------------------------------------- what is found
def _note(evidence: _ByClient, found: Sequence[tuple[_Use, int, int]], reading: Reading) -> None:
    """Add what was FOUND in READING, excluded phrases blanked.

    Each exclusion stands for itself, so that one more never brings a hit back: blanked longest
    first and one after the other, a new long phrase could save a hit from a shorter one.
    """
    excluded: dict[str, list[Span]] = defaultdict(list)
    for use, start, end in found:
        if use.part is _Part.EXCLUDES:
            excluded[use.client].append((start, end))
    for use, start, end in found:
        span = reading.before(start, end)
        if use.part is _Part.EXCLUDES and not reading.bridged:
            evidence[use.client].excluded.append(span)
        if use.part is _Part.ACCOMPANIES and not reading.bridged:
            evidence[use.client].companions.append((span, use.term))
        if use.part is _Part.NAMES and not overlaps((start, end), excluded[use.client]):
            hit = _hit(use, start, end, reading)
            if hit is not None:
                evidence[use.client].hits.append(hit)


def _hit(use: _Use, start: int, end: int, reading: Reading) -> _Hit | None:
    """Return the hit; None: it bridges nothing, or spaces in what is no plain name."""
    kind, alone = use.kind, use.alone
    if reading.bridged:
        if not reading.bridges(start, end):
            return None
        if reading.spaced(start, end):
            if kind is not MatchKind.NAME:
                return None
            alone = False
        kind = MatchKind.BRIDGED if kind is MatchKind.NAME else kind
    return _Hit(use.term, reading.found(start, end), kind, alone, reading.before(start, end))


def _mentions(
    evidence: Mapping[str, _Evidence], behind: Mapping[str, _Evidence], *, quoted: bool
) -> dict[str, Mention]:
    """Return the best mention of each client; BEHIND lends companions."""
    mentions = {}
    for client, mine in evidence.items():
        for hit in sorted(mine.hits, key=lambda hit: hit.order):
            companion = None if hit.alone else _companion(client, hit, evidence, behind)
            if hit.alone or companion is not None:
                mentions[client] = Mention(
                    client=client,
                    term=hit.term,
                    found=hit.found,
                    kind=hit.kind,
                    companion=companion,
                    quoted=quoted,
                )
                break
    return mentions


def _companion(
    client: str, hit: _Hit, here: Mapping[str, _Evidence], behind: Mapping[str, _Evidence]
) -> str | None:
    """Return the first companion beside HIT: the client's own before a risk term."""
    excluded = here[client].excluded
    for owner in (client, _EVERYBODY):
        standing = (
            (span, term)
            for span, term in here.get(owner, _NOTHING).companions
            if not overlaps(span, (*excluded, hit.span))
        )
        if (first := min(standing, default=None)) is not None:
            return first[1]
    for owner in (client, _EVERYBODY):
        lent = behind.get(owner, _NOTHING).companions
        if (first := min(lent, default=None)) is not None:
            return first[1]
    return None


# ----------------------------------------------------------------------------------------- own voice
def _own_accounts(client: Client) -> frozenset[tuple[str, str]]:
    accounts = (account.partition(":") for account in client.own_accounts)
    return frozenset((source, _handle(handle)) for source, _, handle in accounts)


def _is_own(post: Post, accounts: frozenset[tuple[str, str]]) -> bool:
    author = post.author
    return any(
        (post.source, _handle(name)) in accounts
        for name in (author.handle, author.display, author.id)
    )


def _handle(name: str) -> str:
    return fold(name).strip().removeprefix("@")
