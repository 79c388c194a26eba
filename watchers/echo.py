"""Portal echo: which articles tell the story that posts began, and how long after (product.md 16).

An article joins a story in one of two ways.
1. Its title holds words of the story: runs of three characters that several of the story's posts
   have and that what was said of the client before hardly ever had. Of 142 recorded titles in the
   72 hours after five recorded Huawei stories 15 join; read one by one, all of them tell the story.
2. Its title is nearly that of an article that joined before, as portals take texts over.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from watchers.match import fold
from watchers.model import Quote

RUN = 3  # characters; two are too often a common word
IN_POSTS, IN_SHARE = 2, 0.1  # of the story's posts that must have a run
SHARED, SHARE = 2, 0.1  # runs of a title that must be the story's
ORDINARY = 0.01  # of what was said before: a run that is more frequent tells nothing
ALIKE = 0.5  # of two titles' character pairs (Jaccard): the same report, edited

_NOISE = re.compile(r"https?://[!-~]+|@[^\s:@]+|\[[^\[\]\s]{1,8}\]")
_GAP = re.compile(r"[\W_]+")


def story_articles(
    articles: Iterable[Quote],
    *,
    story: Sequence[str],
    before: Sequence[str],
    names: Collection[str],
    joined: Collection[Quote] = (),
) -> tuple[Quote, ...]:
    """Return those of ARTICLES that tell the story, oldest first.

    STORY are the texts of its posts, BEFORE what was said of the client earlier, NAMES the
    client's, which every title holds. JOINED belong to it already.
    """
    told = story_runs(story, before, names)
    titles = [_runs(title_of(q.text), names, 2) for q in joined]
    found = list(joined)
    for article in sorted(articles, key=lambda q: q.at):
        if article in found:
            continue
        title = title_of(article.text)
        pairs = _runs(title, names, 2)
        if _shares(_runs(title, names, RUN), told) or any(_alike(pairs, t) for t in titles):
            found.append(article)
            titles.append(pairs)
    return tuple(sorted(found, key=lambda q: q.at))


def story_runs(
    story: Sequence[str], before: Sequence[str], names: Collection[str]
) -> frozenset[str]:
    """Return the runs of characters that mark the texts of STORY off from those BEFORE."""
    least = max(IN_POSTS, IN_SHARE * len(story))
    counted = Counter(run for text in story for run in _runs(text, names, RUN))
    usual = Counter(run for text in before for run in _runs(text, names, RUN))
    most = ORDINARY * len(before)
    return frozenset(run for run, n in counted.items() if n >= least and usual[run] <= most)


def title_of(text: str) -> str:
    """Return the first line of an article: its title."""
    return text.partition("\n")[0]


def _shares(runs: frozenset[str], told: frozenset[str]) -> bool:
    return len(runs & told) >= max(SHARED, SHARE * len(runs))


def _alike(some: frozenset[str], others: frozenset[str]) -> bool:
    common = len(some & others)
    return common > 0 and common >= ALIKE * (len(some) + len(others) - common)


def _runs(text: str, names: Collection[str], length: int) -> frozenset[str]:
    """Return the runs of LENGTH letters in TEXT, none of which reaches over NAMES or marks."""
    text = _NOISE.sub(" ", fold(text))
    for name in names:
        text = text.replace(name, " ")
    return frozenset(
        part[i : i + length] for part in _GAP.split(text) for i in range(len(part) - length + 1)
    )
