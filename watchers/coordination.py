"""Signs that posts were placed, not said: copied texts, empty or young accounts, even rhythm.

They are evidence for people and nothing else: no count, severity or alert depends on them, for a
real grievance draws hired voices too, and news reprints or a fan campaign show the same signs.
Each is None where the source does not give what it needs; unknown is never zero.

Thresholds come from 338 days of recorded streams of two platforms, most of them without hired
voices as far as is known: each is where ordinary days are rare (tests/benchmarks/coordination.py).
"""

import itertools
import math
import statistics
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

# Of twenty posts a share of one half is known to a tenth (standard error .11), and the gaps between
# independent ones look as even as `EVEN` twice in ten thousand times; of ten, 180 times.
LEAST = 20
ACCOUNTS = 3  # who post a text before it counts as copied: two may be one person's accounts
COPIED = 0.5  # share of posts; the median day has .05, and 7 of the 338 have this much
FEW_FOLLOWERS = 20
FOLLOWERLESS = 0.5  # share of accounts; in 27 days of a brand watch .16 as a rule, .32 at most
NEW = timedelta(days=30)
YOUNG = 0.5  # share of accounts made within `NEW`; our own figure: no recording tells their age
EVEN = -0.4  # of `burstiness`; the least of the 338 days is -.39, the next -.16


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """One post in its author's own words, and what the source says of the account."""

    author: str
    at: datetime | None  # None: not known to the second
    text: str  # the cluster: equal for posts that copy each other
    followers: int | None
    age: timedelta | None = None  # of the account, when it posted


@dataclass(frozen=True, slots=True, kw_only=True)
class Signs:
    """What was found in `posts` posts; None: too few posts, or the source does not say."""

    posts: int
    copied: float | None = None  # share of posts whose text three accounts or more posted
    largest: int = 0  # posts with the most copied text
    accounts: int = 0  # that posted it
    known: int = 0  # accounts whose followers are known
    followerless: float | None = None  # share of these with fewer than 20 followers
    dated: int = 0  # accounts whose age is known
    young: float | None = None  # share of these that were made in the 30 days before
    rhythm: float | None = None  # burstiness, of the most copied text or of all posts

    @property
    def sentence(self) -> str:
        """What passes its threshold, with numbers; empty: nothing does."""
        found = []
        if self.copied is not None and self.copied >= COPIED:
            found.append(
                f"{self.copied:.0%} of {self.posts} posts carry a text that other accounts posted "
                f"too (the most copied: {self.largest} posts from {self.accounts} accounts)"
            )
        if self.followerless is not None and self.followerless >= FOLLOWERLESS:
            found.append(
                f"{self.followerless:.0%} of {self.known} accounts have under {FEW_FOLLOWERS} "
                "followers"
            )
        if self.young is not None and self.young >= YOUNG:
            found.append(
                f"{self.young:.0%} of {self.dated} accounts are younger than {NEW.days} days"
            )
        if self.rhythm is not None and self.rhythm <= EVEN:
            found.append(
                f"posts come evenly spaced (burstiness {self.rhythm:.2f}; chance gives 0, "
                "crowds more)"
            )
        return "; ".join(found)


def signs(voices: Sequence[Voice]) -> Signs:
    """Return the signs in VOICES, posts of one story in their authors' own words, no reposts."""
    if len(voices) < LEAST:
        return Signs(posts=len(voices))
    count = Counter(v.text for v in voices)
    by = defaultdict(set)
    for voice in voices:
        by[voice.text].add(voice.author)
    copied = [text for text in count if len(by[text]) >= ACCOUNTS]
    most = max(copied, key=lambda text: count[text], default=None)
    followers = {v.author: v.followers for v in voices if v.followers is not None}
    ages = {v.author: v.age for v in voices if v.age is not None}
    return Signs(
        posts=len(voices),
        copied=sum(count[text] for text in copied) / len(voices),
        largest=count[most] if most is not None else 0,
        accounts=len(by[most]) if most is not None else 0,
        known=len(followers),
        followerless=_share([f < FEW_FOLLOWERS for f in followers.values()]),
        dated=len(ages),
        young=_share([age < NEW for age in ages.values()]),
        rhythm=_rhythm(voices, most),
    )


def _share(accounts: Sequence[bool]) -> float | None:
    """Return the share of ACCOUNTS it holds for; None: of too few it is known."""
    return sum(accounts) / len(accounts) if len(accounts) >= LEAST else None


def _rhythm(voices: Sequence[Voice], most: str | None) -> float | None:
    """Return the burstiness of the copies of MOST, of all where these are too few."""
    copies = [v.at for v in voices if v.at is not None and v.text == most]
    times = copies if len(copies) >= LEAST else [v.at for v in voices if v.at is not None]
    return burstiness(times) if len(times) >= LEAST else None


def burstiness(times: Collection[datetime]) -> float | None:
    """Return how unevenly TIMES follow each other: -1 clockwork, 0 by chance, 1 in bursts.

    Goh and Barabási (EPL 81, 48002, 2008), by the formula of Kim and Jo (Phys. Rev. E 94, 032311,
    2016), which does not depend on the number of events. None: fewer than three, or all at once.
    """
    ordered = sorted(times)
    gaps = [(b - a) / timedelta(seconds=1) for a, b in itertools.pairwise(ordered)]
    n = len(gaps)
    if n < 2 or not any(gaps):
        return None
    ratio = statistics.pstdev(gaps) / statistics.fmean(gaps)
    more, less = math.sqrt(n + 1), math.sqrt(n - 1)
    return (more * ratio - less) / ((more - 2) * ratio + less)
