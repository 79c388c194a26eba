"""What a false alarm teaches: an exclusion or a companion that would have kept it out. Pure.

A proposal is only as good as its replay: every one is tried on what was called false and on what
was not, with the matcher that would run, and says what it removes and what it would lose.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from watchers.match import Matcher, fold
from watchers.model import Change, Client

AROUND = 4  # characters beside a name that may belong to the phrase
LONGEST = 5  # of them together
TRIED = 40  # phrases, the most frequent first
LEAST_TEXTS, LEAST_SHARE = 2, 0.2  # of the false posts: less teaches nothing
DEAR = 5  # false posts that one lost good post weighs as much as


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A change of one client's words, and what it does to posts that are known."""

    change: Change
    phrase: str
    removes: tuple[int, ...]  # places among the false posts
    loses: tuple[int, ...]  # places among the others
    false: int  # how many false posts it was tried on

    def applied(self, client: Client) -> Client:
        """Return CLIENT with the change."""
        return applied(client, self.change, self.phrase)


def applied(client: Client, change: Change, phrase: str) -> Client:
    """Return CLIENT with CHANGE for PHRASE; the same where it has it already."""
    if change is Change.EXCLUDE:
        known = phrase in client.exclude
        return client if known else replace(client, exclude=(*client.exclude, phrase))
    if phrase not in client.names:
        return client
    return replace(
        client,
        names=tuple(n for n in client.names if n != phrase),
        ambiguous=(*client.ambiguous, phrase),
    )


def undone(client: Client, change: Change, phrase: str) -> Client:
    """Return CLIENT without CHANGE for PHRASE, whatever else was changed meanwhile."""
    if change is Change.EXCLUDE:
        return replace(client, exclude=tuple(e for e in client.exclude if e != phrase))
    if phrase not in client.ambiguous:
        return client
    return replace(
        client,
        names=(*client.names, phrase),
        ambiguous=tuple(a for a in client.ambiguous if a != phrase),
    )


def propose(
    client: Client, false: Sequence[str], good: Sequence[str], companions: Sequence[str] = ()
) -> Proposal | None:
    """Return the change of CLIENT's words that keeps most FALSE texts out and fewest GOOD ones.

    COMPANIONS are the strong risk terms, which are companions for every client. None: no change
    keeps out enough of them, or every one would cost more than it is worth.
    """
    before = Matcher((client,), companions)
    wrong = [place for place, text in enumerate(false) if before.find_text(text)]
    right = [place for place, text in enumerate(good) if before.find_text(text)]
    best: tuple[float, Proposal] | None = None
    for change, phrase in _candidates(client, [false[place] for place in wrong]):
        tried = Proposal(change=change, phrase=phrase, removes=(), loses=(), false=len(wrong))
        after = Matcher((tried.applied(client),), companions)
        removes = tuple(p for p in wrong if not after.find_text(false[p]))
        if len(removes) < max(LEAST_TEXTS, LEAST_SHARE * len(wrong)):
            continue
        loses = tuple(p for p in right if not after.find_text(good[p]))
        worth = len(removes) - DEAR * len(loses)
        if worth > 0 and (best is None or worth > best[0]):
            best = (worth, replace(tried, removes=removes, loses=loses))
    return best[1] if best else None


def _candidates(client: Client, false: Sequence[str]) -> Iterator[tuple[Change, str]]:
    """Yield changes worth trying: phrases around a name, the shortest of equals first."""
    found: Counter[str] = Counter()
    for text in false:
        found.update(set(_phrases(client, fold(text))))
    ordered = sorted(found.items(), key=lambda pair: (-pair[1], len(pair[0]), pair[0]))
    known = {fold(e).strip() for e in client.exclude}
    kept = [phrase for phrase, texts in ordered if texts >= LEAST_TEXTS and phrase not in known]
    for phrase in kept[:TRIED]:
        yield Change.EXCLUDE, phrase
    if client.companions and len(client.names) > 1:
        for name in client.names:
            yield Change.AMBIGUOUS, name


def _phrases(client: Client, text: str) -> Iterator[str]:
    """Yield each name of CLIENT in TEXT with what stands directly beside it."""
    for name in (fold(n).strip() for n in (*client.names, *client.ambiguous)):
        start = text.find(name) if name else -1
        while start >= 0:
            end = start + len(name)
            for left in range(AROUND + 1):
                if start - left < 0 or not _inside(text[start - left : start]):
                    break
                for right in range(AROUND + 1):
                    if end + right > len(text) or not _inside(text[end : end + right]):
                        break
                    if 1 <= left + right <= LONGEST:
                        yield text[start - left : end + right]
            start = text.find(name, end)


def _inside(part: str) -> bool:
    """Is PART letters and digits alone, so that it may belong to a phrase?"""
    return not part or part.isalnum()
