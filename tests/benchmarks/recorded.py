"""Recorded streams through the real stages: how soon a crisis is found, and how often calm alarms.

    uv run python -m tests.benchmarks.recorded                 streams of up to a thousand posts
    uv run python -m tests.benchmarks.recorded --all           all of them, several minutes
    uv run python -m tests.benchmarks.recorded --cascades 10   repost cascades on calm streams

A recording is played to the stages as the service would see it, every post as it is published, at
the default sensitivity; what fades is closed, as its owner would. An incident that opens within a
day of the labelled onset is the find, the others are false; days without posts are gaps of the
collection and count for no week.

The cascades have no calm before them, so each is put on a calm stream, at random times after its
first days, and every post of it counts as one that means the client. To replay weeks for each would
take hours: clusters, tone, crisis types, detector, floors and the rule that asks a burst for a bad
mood or a risk type are the real ones, but the store and the incident are left out. "As the service
counts" a repost joins what it reposts and all are one post; "in their own words" those who say
something of their own count, as where a source does not tell what was reposted. A post that enough
people repeat is a signal of its own.
"""

import argparse
import asyncio
import random
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median

from bot import playbooks
from tests import shipped
from watchers import detect
from watchers.clusters import Clusters
from watchers.evidence import STORY_WINDOW, spreads_badly, story_type
from watchers.incidents import WORRY_LEAST_SHARE, WORRY_NEGATIVE_SHARE, WORRY_NEGATIVES
from watchers.model import Campaign, Client, Kind, Post, Quote, Signal, Stream, Tone, TypeHit
from watchers.recordings import Recording
from watchers.replay import Outcomes
from watchers.risk import RiskModel
from watchers.store import TypeTally
from watchers.tone import ToneModel
from watchers.trial import replayed

EVENTS = Path(__file__).resolve().parents[3] / "shared" / "data" / "microblogs" / "events"
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
SMALL = 1000  # posts of a stream that is played without --all
FOLLOW = 60  # minutes that a cascade is followed
ENOUGH = 100  # posts in its first hour: a cascade that must be found
ZONE = "Asia/Shanghai"
BUDGET = 0.25


@dataclass(frozen=True, slots=True)
class Case:
    """A recording: the client's words in it, from when it is dense, and the onset if it has one."""

    name: str
    words: tuple[str, ...]
    since: str = "2000-01-01T00:00+08:00"
    onset: str | None = None
    aired: tuple[str, ...] = ()  # evenings that the client announced: campaign windows

    @property
    def campaigns(self) -> tuple[Campaign, ...]:
        starts = [datetime.fromisoformat(f"{day}T20:30+08:00") for day in self.aired]
        return tuple(Campaign(start=s, end=s + 4 * HOUR, reason="on air") for s in starts)

    def posts(self) -> list[Post]:
        since = datetime.fromisoformat(self.since)
        return [p for p in recorded(self.name) if p.at >= since]


CASES = (
    Case(
        "jiangping_alibaba_contest_2024",
        ("姜萍", "阿里巴巴", "数学竞赛"),
        since="2024-10-14T00:00+08:00",
        onset="2024-11-03T10:09+08:00",
    ),
    Case(
        "twitter_airline_us_airways_2015",
        ("US Airways", "USAirways"),
        onset="2015-02-22T21:00+08:00",
    ),
    Case("huawei_uk_2019", ("华为",), onset="2019-02-18T00:00+08:00"),
    Case("byd_calm_2020", ("比亚迪", "BYD"), since="2020-08-29T00:00+08:00"),
    Case("moutai_calm_2018", ("茅台",)),
    Case("mixue_calm_2025", ("蜜雪冰城", "蜜雪")),
    Case("baihe_stock_2018", ("百合",)),
    Case("tcl_tv_spam_2021", ("TCL",)),
    Case("twitter_airline_southwest_2015", ("SouthwestAir",)),
    Case("twitter_airline_virgin_america_2015", ("VirginAmerica",)),
    Case("twitter_airline_united_2015", ("united",)),
    Case("drama_thirty_2020", ("三十而已",)),
    Case(
        "drama_thirty_2020",
        ("三十而已",),
        aired=tuple(
            f"2020-{day}"
            for day in (
                "07-24",
                "08-01",
                "08-03",
                "08-04",
                "08-06",
                "08-08",
                "08-11",
                "08-12",
                "08-14",
                "08-16",
            )
        ),
    ),
    Case("huawei_hongmeng_2019", ("鸿蒙", "华为")),
)
CALM = ("byd_calm_2020", "moutai_calm_2018", "twitter_airline_southwest_2015")
NOT_CRISES = (  # controls among the cascades
    "ced_haidilao_cranes",
    "ced_huawei_salary",
    "ced_iphone5_launch",
    "ced_mi_power_bank",
    "ced_starbucks_t3",
    "ced_tencent_raise",
)


def recorded(name: str) -> list[Post]:
    """Return the posts of a recording with a time, oldest first."""
    found = Recording(EVENTS / f"{name}.jsonl.gz", skip_bad=True)
    return sorted((p for p in found if p.created_at is not None), key=lambda p: (p.at, p.id))


# --------------------------------------------------------------------------------- whole replays
async def play(case: Case, posts: Sequence[Post]) -> Outcomes:
    """Play POSTS to the stages of the service."""
    client = Client(
        id="client",
        name=case.words[0],
        names=case.words,
        channel="C1",
        sensitivity=BUDGET,
        campaigns=case.campaigns,
    )
    return await replayed(client, posts, shipped.kit())


@dataclass(frozen=True, slots=True)
class Quiet:
    """How often a recording alarmed outside of its onset."""

    case: Case
    false: int
    weeks: float


def report(case: Case, posts: Sequence[Post], found: Outcomes) -> Quiet:
    """Print one line for a recording, and one for each incident."""
    onset = datetime.fromisoformat(case.onset) if case.onset else None
    hits = [i for i in found.incidents if onset and onset <= i.opened_at < onset + DAY]
    false = [i for i in found.incidents if i not in hits]
    weeks = len({p.at.date() for p in posts}) / 7
    delay = "-"
    if onset:
        minutes = (hits[0].opened_at - onset) / MINUTE if hits else 0.0
        delay = f"+{minutes:.0f} min" if hits else "missed"
    print(
        f"{case.name:36}{found.posts:6} posts {found.matched:6} matched {weeks:5.1f} weeks   "
        f"onset {delay:>9}   false {len(false):2}, {len(false) / weeks:.2f} a week",
        flush=True,
    )
    for i in found.incidents:
        print(
            f"      {'found' if i in hits else 'false'} {i.opened_at:%Y-%m-%d %H:%M} {i.severity} "
            f"{i.type or 'no type'}, {i.stage}, peak {i.figures.peak}/h: {i.reasons[0]}"
        )
    return Quiet(case=case, false=len(false), weeks=weeks)


def total(played: Sequence[Quiet]) -> None:
    """Print how often all recordings together alarmed: as they are, and with what was announced."""
    aired = {q.case.name for q in played if q.case.aired}
    ways = {
        "all, nothing announced": [q for q in played if not q.case.aired],
        "all, evenings announced": [q for q in played if q.case.aired or q.case.name not in aired],
    }
    for way, rows in ways.items():
        false, weeks = sum(q.false for q in rows), sum(q.weeks for q in rows)
        if rows:
            print(
                f"{way:24}{len(rows)} streams, {weeks:.1f} weeks: false {false}, "
                f"{false / weeks:.2f} a week"
            )


# -------------------------------------------------------------------------------------- cascades
@dataclass(frozen=True, slots=True)
class Said:
    """What a post adds to the counts."""

    at: datetime
    author: str
    leads: bool
    negative: bool
    types: tuple[TypeHit, ...]
    cluster: str
    quote: Quote


@dataclass(frozen=True, slots=True)
class Counts:
    """A window, as the store would count it."""

    posts: int
    authors: int
    negatives: int
    negative_authors: int


class Judge:
    """Clusters, tone and crisis types of posts, each computed once."""

    def __init__(self) -> None:
        self._tone = ToneModel.load()
        self.types = {t.id: t for t in playbooks.load().crisis_types()}
        self._risk = RiskModel(tuple(self.types.values()))

    def said(self, posts: Sequence[Post]) -> list[Said]:
        """Return what POSTS, oldest first, add to the counts."""
        clusters = Clusters()
        tones = self._tone.score([p.text for p in posts])
        found = []
        for post, (negative, tone) in zip(posts, tones, strict=True):
            cluster, leads = clusters.assign(post)
            types = self._risk.types(post.text, tone)
            found.append(
                Said(
                    at=post.at,
                    author=post.author.id,
                    leads=leads,
                    negative=tone is Tone.NEGATIVE,
                    types=types,
                    cluster=cluster,
                    quote=_quote(post, negative, types),
                )
            )
        return found


def _quote(post: Post, negative: float, types: tuple[TypeHit, ...]) -> Quote:
    return Quote(
        source=post.source,
        post_id=post.id,
        url=post.url,
        text=post.text,
        who=post.author.handle,
        followers=None,
        verified=None,
        at=post.at,
        reposts=None,
        negative=negative,
        types=tuple(t.type for t in types),
    )


def within(said: Iterable[Said], start: datetime, end: datetime) -> list[Said]:
    """Return the distinct posts of SAID from START on, before END."""
    return [s for s in said if s.leads and start <= s.at < end]


def counted(said: Sequence[Said]) -> Counts:
    """Return the counts of a window."""
    return Counts(
        posts=len(said),
        authors=len({s.author for s in said}),
        negatives=sum(s.negative for s in said),
        negative_authors=len({s.author for s in said if s.negative}),
    )


class Calm:
    """A calm stream: the detector as it was at any of some times, and the posts around them."""

    def __init__(self, name: str, judge: Judge, runs: int, rng: random.Random) -> None:
        case = next(c for c in CASES if c.name == name)
        self.said = judge.said(case.posts())
        self.first = self.said[0].at.replace(minute=0, second=0, microsecond=0)
        last = self.said[-1].at - timedelta(hours=2)
        early = self.first + (last - self.first) * 0.4
        bins = (last - early) // detect.BIN
        self.times = sorted(
            early - (early - self.first) % detect.BIN + rng.randrange(bins) * detect.BIN
            for _ in range(runs)
        )
        self.detectors = self._grow()

    def _grow(self) -> dict[datetime, bytes]:
        counts: defaultdict[datetime, list[int]] = defaultdict(lambda: [0, 0])
        for s in self.said:
            if s.leads:
                place = counts[s.at - (s.at - self.first) % detect.BIN]
                place[0] += 1
                place[1] += s.negative
        detector, at, found = detect.Detector(ZONE, days=detect.chinese_days), self.first, {}
        for stop in self.times:
            while at < stop:
                detector.update(at, *counts.get(at, (0, 0)))
                at += detect.BIN
            found[stop] = detector.to_bytes()
        return found

    def usual(self, at: datetime) -> detect.Usual:
        """Return what an hour holds as a rule."""
        said = within(self.said, at - timedelta(weeks=4), at - HOUR)
        return detect.Usual(
            posts=self._level(said, at), negatives=self._level((s for s in said if s.negative), at)
        )

    def _level(self, said: Iterable[Said], at: datetime) -> float | None:
        hours: defaultdict[datetime, int] = defaultdict(int)
        for s in said:
            hours[s.at.replace(minute=0, second=0, microsecond=0)] += 1
        return detect.usual_level(
            sorted(hours.items()),
            at,
            history=at - self.first,
            zone=ZONE,
            days=detect.chinese_days,
        )


def watch(
    calm: Calm, start: datetime, cascade: Sequence[Said], judge: Judge
) -> tuple[int | None, int | None]:
    """Return the minutes until a signal, and until one that is bad news; None: not within FOLLOW."""
    detector = detect.Detector.from_bytes(calm.detectors[start], days=detect.chinese_days)
    shift = start - cascade[0].at
    near = within(calm.said, start - 3 * HOUR, start + 2 * HOUR)
    moved = [replace(s, at=s.at + shift) for s in cascade]
    near += [s for s in moved if s.leads]
    usual, at, signalled = calm.usual(start), start, None
    for minute in range(1, FOLLOW + 1):
        now = start + minute * MINUTE
        bin_ = counted(within(near, at, now))
        if now == at + detect.BIN:
            reading = detector.update(at, bin_.posts, bin_.negatives)
            at = now
        else:
            reading = detector.peek(at, (now - at) / detect.BIN, bin_.posts, bin_.negatives)
        signal = detector.judge(
            reading,
            at=now,
            client="client",
            source="weibo",
            short=counted(within(near, now - detect.SHORT, now)),
            hour=counted(within(near, now - HOUR, now)),
            usual=usual,
            budget=BUDGET,
        )
        if spreads(moved, now, usual.posts):
            return signalled or minute, minute
        if signal is None:
            continue
        signalled = signalled or minute
        if bad_news(signal, within(near, now - STORY_WINDOW, now), now, judge):
            return signalled, minute
    return signalled, None


def spreads(said: Sequence[Said], now: datetime, usual: float | None) -> bool:
    """Whether a post of SAID is repeated by enough people, and is bad news."""
    by_cluster: defaultdict[str, list[Said]] = defaultdict(list)
    for s in said:
        if now - HOUR <= s.at < now:
            by_cluster[s.cluster].append(s)
    least = detect.least_spread(usual, BUDGET)
    return any(
        len({s.author for s in rows}) >= least
        and spreads_badly(rows[0].quote, len(rows), sum(s.negative for s in rows))
        for rows in by_cluster.values()
    )


def bad_news(signal: Signal, said: Sequence[Said], now: datetime, judge: Judge) -> bool:
    """The rule of `watchers.incidents.worrying`, for counts."""
    hour = counted(within(said, now - HOUR, now))
    share = hour.negatives / max(hour.posts, 1)
    many = hour.negatives >= WORRY_NEGATIVES and share >= WORRY_LEAST_SHARE
    if signal.stream is Stream.NEGATIVE or share >= WORRY_NEGATIVE_SHARE or many:
        return True
    return story_type(tallies(said), len(said), judge.types) is not None


def tallies(said: Sequence[Said]) -> list[TypeTally]:
    """Return how often each crisis type is spoken of."""
    by_type: defaultdict[str, list[tuple[Said, bool]]] = defaultdict(list)
    for s in said:
        for hit in s.types:
            by_type[hit.type].append((s, hit.strong))
    return [
        TypeTally(
            type=type_,
            posts=len(rows),
            strong=sum(strong for _, strong in rows),
            authors=len({s.author for s, _ in rows}),
            strong_authors=len({s.author for s, strong in rows if strong}),
            strong_professionals=0,
            terms=(),
        )
        for type_, rows in by_type.items()
    ]


def cascades(runs: int) -> None:
    """Print how soon each cascade is found on each calm stream."""
    judge, rng = Judge(), random.Random(0)
    calms = [(name, Calm(name, judge, runs, rng)) for name in CALM]
    names = sorted(p.name.removesuffix(".jsonl.gz") for p in EVENTS.glob("ced_*"))
    totals: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
    print(f"{'cascade':24}{'first hour':>11}  found within 30 min: signal / bad news, median min")
    for name in names:
        posts = recorded(name)
        hour = [p for p in posts if p.at < posts[0].at + HOUR]
        kind = "control" if name in NOT_CRISES else "crisis"
        kind += " of 100" if len(hour) >= ENOUGH else " below"
        own = [replace(p, parent_id=None, kind=Kind.POST) for p in hour]
        line = f"{name:24}{len(hour):11}"
        for way, said in (("service", judge.said(hour)), ("own words", judge.said(own))):
            line += f"  | {way}, {sum(s.leads for s in said)} posts:"
            for _, calm in calms:
                found = [watch(calm, start, said, judge) for start in calm.times]
                signals, bad = (
                    [m if m is not None else 999 for m in col] for col in zip(*found, strict=True)
                )
                totals[kind, way] += [m <= 30 for m in bad]
                totals[kind, f"{way}, signal"] += [m <= 30 for m in signals]
                line += f" {sum(m <= 30 for m in signals)}/{sum(m <= 30 for m in bad)}"
                line += f" {median(bad):.0f}" if median(bad) < 999 else " -"
        print(line, flush=True)
    for (kind, way), hits in sorted(totals.items()):
        print(f"{kind:16}{way:20}{100 * sum(hits) / len(hits):6.0f} % of {len(hits)} within 30 min")


def main() -> None:
    """Play what the arguments ask for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--all", action="store_true", help="large streams too")
    parser.add_argument("--only", help="the streams whose name holds this, large ones too")
    parser.add_argument("--cascades", type=int, default=0, metavar="TIMES", help="on each stream")
    asked = parser.parse_args()
    if not EVENTS.is_dir():
        sys.exit("the recordings (../shared) are not on this machine")
    if asked.cascades:
        cascades(asked.cascades)
        return
    played = []
    for case in CASES:
        if asked.only and asked.only not in case.name:
            continue
        posts = case.posts()
        if len(posts) > SMALL and not asked.all and not asked.only:
            print(f"{case.name:36}{len(posts):6} posts: left out, --all plays it")
            continue
        began = time.perf_counter()
        played.append(report(case, posts, asyncio.run(play(case, posts))))
        print(f"      {time.perf_counter() - began:.0f} s")
    total(played)


if __name__ == "__main__":
    main()
