"""Boolean rules of a client: every one of these, at least one of those, none of these.

Words follow the rules of names: folded, one mark inside Chinese bridged, no word cut, nothing where
the client's exclusions stand. `re:` conditions are RE2 patterns over the folded text. RE2 takes time
in proportion to the text whatever the pattern (R. Cox, "Regular Expression Matching in the Wild",
2010), so a pattern cannot hold up a round; its program and the text it sees are capped besides.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import re2

from watchers.match.folding import fold, simplified
from watchers.match.look import Look
from watchers.match.terms import Span, Terms
from watchers.model import Client, MatchKind, Mention, Rule

PATTERN = "re:"
MOST_MEMORY = 1 << 20  # bytes that a compiled pattern may take
LONGEST = 5_000  # characters of a text that patterns see


def pattern_fault(condition: str) -> str | None:
    """Say what is wrong with a `re:` CONDITION; None: nothing, or it is no pattern."""
    if not condition.startswith(PATTERN):
        return None
    try:
        made = _compiled(condition)
    except re2.error as error:
        said = error.args[0] if error.args else ""
        return said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    return "it matches the empty text, so every post" if made.search("") else None


def _compiled(condition: str) -> "re2._Regexp":
    options = re2.Options()
    options.case_sensitive = False
    options.max_mem = MOST_MEMORY
    options.log_errors = False
    return re2.compile(simplified(condition.removeprefix(PATTERN)), options)


@dataclass(frozen=True, slots=True)
class _Condition:
    """A word by its number among all words, or a pattern."""

    word: int = -1
    pattern: "re2._Regexp | None" = None


@dataclass(frozen=True, slots=True)
class _Ready:
    """A rule made ready."""

    client: str
    name: str
    every: tuple[_Condition, ...]
    some: tuple[_Condition, ...]
    none: tuple[_Condition, ...]


class Rules:
    """The rules of all clients."""

    def __init__(self, clients: Sequence[Client]) -> None:
        words: dict[str, int] = {}
        self._rules = [
            _Ready(
                client.id,
                rule.name,
                tuple(_conditions(rule.all, words)),
                tuple(_conditions(rule.any, words)),
                tuple(_conditions(rule.none, words)),
            )
            for client in clients
            for rule in client.rules
        ]
        self._words = Terms(words)

    def __bool__(self) -> bool:
        return bool(self._rules)

    def mentions(self, look: Look, *, quoted: bool = False) -> dict[str, Mention]:
        """Return for each client the first of its rules that the text of LOOK meets."""
        found = _Found(look, self._words)
        met: dict[str, Mention] = {}
        for rule in self._rules:
            if rule.client in met:
                continue
            place = found.meets(rule)
            if place is not None:
                met[rule.client] = Mention(
                    client=rule.client,
                    term=rule.name,
                    found=look.reading.found(*place),
                    kind=MatchKind.RULE,
                    quoted=quoted,
                )
        return met


def _conditions(listed: Iterable[str], words: dict[str, int]) -> Iterator[_Condition]:
    for condition in listed:
        if condition.startswith(PATTERN):
            yield _Condition(pattern=_compiled(condition))
        elif word := fold(condition).strip():
            yield _Condition(word=words.setdefault(word, len(words)))


class _Found:
    """Where the words of rules stand in a text, asked for one by one."""

    def __init__(self, look: Look, words: Terms[int]) -> None:
        self._look = look
        self._spans: dict[int, list[Span]] = defaultdict(list)  # in the reading's own text
        reading = look.reading
        for number, start, end in words.find(reading.text):
            if reading.whole(start, end):
                self._spans[number].append((start, end))
        squeezed = reading.squeezed()
        if squeezed is not None:
            for number, start, end in words.find(squeezed.text):
                if squeezed.bridges(start, end) and squeezed.whole(start, end):
                    self._spans[number].append(squeezed.before(start, end))

    def meets(self, rule: _Ready) -> Span | None:
        """Return where the first condition of RULE is met; None: the text does not meet it."""
        first: Span | None = None
        for condition in rule.every:
            place = self._place(condition, rule.client)
            if place is None:
                return None
            first = first or place
        if rule.some:
            places = (self._place(condition, rule.client) for condition in rule.some)
            some = next((place for place in places if place is not None), None)
            if some is None:
                return None
            first = first or some
        if any(self._place(condition, None) for condition in rule.none):
            return (
                None  # a forbidden word counts inside an exclusion too: one more never adds a hit
            )
        return first

    def _place(self, condition: _Condition, client: str | None) -> Span | None:
        """Return the first place where CONDITION stands, free of CLIENT's exclusions."""
        if condition.pattern is None:
            spans: Iterable[Span] = self._spans.get(condition.word, ())
        else:
            text = self._look.reading.text[:LONGEST]
            spans = (match.span() for match in condition.pattern.finditer(text))
        return next((s for s in spans if s[0] < s[1] and self._free(client, s)), None)

    def _free(self, client: str | None, span: Span) -> bool:
        return client is None or self._look.free(client, *span)


def faults(rule: Rule) -> list[str]:
    """Say what is wrong with RULE, a sentence each."""
    found = []
    if not (rule.all or rule.any):
        found.append("has neither all nor any: it would match every post")
    for condition in (*rule.all, *rule.any, *rule.none):
        fault = pattern_fault(condition)
        if fault is not None:
            found.append(f"{condition}: {fault}")
    both = sorted({*rule.all, *rule.any} & {*rule.none})
    if both:
        found.append(f"wants {', '.join(both)} and forbids it")
    return found
