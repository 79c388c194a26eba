"""From the words of the clients to the mentions in a post."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from watchers.match.folding import fold
from watchers.match.look import EVERYBODY, Look, Meaning, Name
from watchers.match.reading import read, split_quoted
from watchers.match.rules import Rules
from watchers.match.sounds import is_han, pinyin, sound_patterns, sounded
from watchers.match.terms import Terms
from watchers.model import Client, MatchKind, Mention, Post

_SYLLABLES_ALONE = 3  # pinyin of two syllables belongs to dozens of words: it needs a companion
_INITIALS_LEAST = 3


class Matcher:
    """All terms of all clients. The order of clients does not matter."""

    def __init__(self, clients: Sequence[Client], companions: Sequence[str] = ()) -> None:
        """Take the clients and the strong risk terms, which are companions for each of them."""
        meanings: dict[str, Meaning] = defaultdict(Meaning)
        sounds: dict[str, Meaning] = defaultdict(Meaning)
        for client in sorted(clients, key=lambda client: client.id):
            _add_names(meanings, _names_of(client))
            _add_names(sounds, _sounds_of(client))
            for term, string in _folded(client.companions):
                meanings[string].accompanies.setdefault(client.id, term)
            for _, string in _folded(client.exclude):
                meanings[string].excludes.add(client.id)
        for term, string in _folded(sorted(companions)):
            meanings[string].accompanies.setdefault(EVERYBODY, term)
        self._terms = Terms(meanings)
        self._sounds = Terms(sounds)
        self._rules = Rules(sorted(clients, key=lambda client: client.id))
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
        if quoted:
            repeated = f"{repeated}\n{quoted}" if repeated else quoted
        behind = self._look(repeated) if repeated else None
        mentions = {} if behind is None else behind.mentions(quoted=True)
        look = self._look(own, behind)
        mentions.update(look.mentions())
        if self._rules:
            if behind is not None:
                mentions = self._rules.mentions(behind, quoted=True) | mentions
            own_words = {m.client for m in mentions.values() if not m.quoted}
            met = self._rules.mentions(look)
            mentions.update({c: m for c, m in met.items() if c not in own_words})
        return tuple(mentions[client] for client in sorted(mentions))

    def _look(self, text: str, behind: Look | None = None) -> Look:
        """Look through TEXT, for the rare forms only where companions are, here or BEHIND."""
        reading = read(text)
        look = Look(reading, self._terms.find(reading.text), behind)
        if look.accompanied:
            look.add(self._sounds.find(sounded(reading.text)))
        if (squeezed := reading.squeezed()) is not None:
            same_sound = self._sounds.find(sounded(squeezed.text)) if look.accompanied else ()
            look.add_bridged(squeezed, chain(self._terms.find(squeezed.text), same_sound))
        if look.accompanied and (squeezed := reading.squeezed(spaces=True)) is not None:
            look.add_bridged(squeezed, self._terms.find(squeezed.text))
        return look


# ------------------------------------------------------------------------------- strings of a client
def _folded(terms: Iterable[str]) -> Iterator[tuple[str, str]]:
    return ((term, folded) for term in terms if (folded := fold(term).strip()))


def _add_names(meanings: dict[str, Meaning], names: Iterable[tuple[str, Name]]) -> None:
    for string, name in names:
        if string and name not in meanings[string].names:
            meanings[string].names.append(name)


def _names_of(client: Client) -> Iterator[tuple[str, Name]]:
    """Yield all that means CLIENT in the text as it stands."""
    own = (account.partition(":")[2].removeprefix("@") for account in client.own_accounts)
    for term, string in _folded((*client.names, *(f"@{handle}" for handle in own if handle))):
        yield string, Name(client.id, term)
    for term, string in _folded(client.ambiguous):
        yield string, Name(client.id, term, MatchKind.AMBIGUOUS, alone=False)
    for term, string in _folded(client.initials):
        if len(string) >= _INITIALS_LEAST:
            yield string, Name(client.id, term, MatchKind.INITIALS, alone=False)
    for term, string in _in_chinese((*client.names, *client.ambiguous)):
        alone = term in client.names and len(string) >= _SYLLABLES_ALONE
        for spelled in pinyin(string):
            yield spelled, Name(client.id, term, MatchKind.PINYIN, alone)


def _sounds_of(client: Client) -> Iterator[tuple[str, Name]]:
    """Yield what means CLIENT in the text as it sounds."""
    for term, string in _in_chinese(client.names):
        for pattern in sound_patterns(string):
            yield pattern, Name(client.id, term, MatchKind.HOMOPHONE, alone=False)


def _in_chinese(terms: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield the terms of two Chinese characters or more, and nothing else, beside their folds."""
    for term, string in _folded(terms):
        if len(string) > 1 and all(map(is_han, string)):
            yield term, string


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
