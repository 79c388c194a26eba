"""What ordinary streams show of the signs of coordination: `python -m tests.benchmarks.coordination`.

Each recorded stream is cut into stretches with at least `LEAST` posts in own words: of a day, and
of a week. Prints the signs' spread and how many stretches pass each threshold; asserts nothing.
Spam is one recording (tcl_tv_spam_2021); others hold some among ordinary posts.
"""

import sys
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

from tests.benchmarks.sample import RECORDED
from watchers.clusters import Clusters
from watchers.coordination import COPIED, EVEN, FOLLOWERLESS, LEAST, Signs, Voice, signs
from watchers.match import split_quoted
from watchers.model import Kind
from watchers.recordings import Recording

SPANS = (timedelta(days=1), timedelta(days=7))


def voices(path: Path) -> list[Voice]:
    """Return the posts of PATH in own words, oldest first, each once."""
    known = {p.key: p for p in Recording(path, skip_bad=True) if p.text and p.created_at}
    clusters, found = Clusters(), []
    for post in sorted(known.values(), key=lambda p: p.at):
        text, _ = clusters.assign(post)
        if post.kind is Kind.POST and not split_quoted(post.text)[1]:
            who = post.author.id or post.id
            followers = post.author.followers
            found.append(Voice(author=who, at=post.at, text=text, followers=followers))
    return found


def stretches(found: Sequence[Voice], span: timedelta) -> Iterator[Signs]:
    begin = 0
    while begin < len(found):
        start = found[begin].at
        end = begin
        while end < len(found) and start and (at := found[end].at) and at < start + span:
            end += 1
        if end - begin >= LEAST:
            yield signs(found[begin:end])
        begin = max(end, begin + 1)


def spread(values: Sequence[float | None]) -> str:
    known = sorted(v for v in values if v is not None)
    if not known:
        return f"{'unknown':>23}"
    return " ".join(f"{known[int(share * (len(known) - 1))]:7.2f}" for share in (0, 0.5, 1))


def main() -> None:
    if not RECORDED.is_dir():
        sys.exit("the recordings (../shared) are not on this machine")
    paths = [p for p in sorted(RECORDED.glob("*.jsonl.gz")) if not p.name.startswith("ced_")]
    streams = {path.name.removesuffix(".jsonl.gz"): voices(path) for path in paths}
    for span in SPANS:
        heads = "".join(f"{head:>24}" for head in ("copied", "followerless", "rhythm"))
        print(f"\n{span.days} day(s): least, median, most\n{'':32} {'n':>4}{heads}  over")
        every: list[Signs] = []
        for name, found in streams.items():
            rows = list(stretches(found, span))
            if not rows:
                continue
            every += rows
            shown = (
                [r.copied for r in rows],
                [r.followerless for r in rows],
                [r.rhythm for r in rows],
            )
            spreads = " ".join(map(spread, shown))
            print(f"{name:32} {len(rows):4} {spreads} {sum(bool(r.sentence) for r in rows):5}")
        over = (
            sum((r.copied or 0) >= COPIED for r in every),
            sum((r.followerless or 0) >= FOLLOWERLESS for r in every),
            sum((r.rhythm or 0) <= EVEN for r in every),
        )
        print(f"of {len(every)}: copied {over[0]}, followerless {over[1]}, even {over[2]}")
        print(f"all: {spread([r.copied for r in every])}")


if __name__ == "__main__":
    main()
