"""How soon posts and crises are seen under a request budget, beside what other watchers do.

All figures, with the simulator beside the recordings (some minutes):

    uv run python -m tests.benchmarks.polling [seed ...]
"""

import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

from watchers.polling import Ask, Policy, Seen, grouped

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT.parent / "shared" / "tools"
START = datetime(2026, 1, 1, tzinfo=UTC)


class SimulatedPost(Protocol):
    """A post of the simulator."""

    @property
    def id(self) -> int: ...
    @property
    def time(self) -> float: ...  # minutes since the start


class Adapter:
    """The policy in the words of the simulator: query numbers, minutes, numeric ids."""

    def __init__(self, rates: Sequence[float], budget: float, page: int, *, size: int = 1) -> None:
        names = {str(k): rate for k, rate in enumerate(rates)}
        groups = grouped(names, size)
        self.queries = [tuple(int(k) for k in group) for group in groups]
        self._policy = Policy(budget, page, kept=max(budget, 1.0))
        self._newest: dict[int, int] = {}  # id of the newest post seen, by query
        self._known: dict[tuple[int, int], int] = {}  # by page not read yet: the newest before it
        for i, group in enumerate(groups):
            waited = (i % 97) / 97 * len(groups) / budget  # spread the first round
            self._policy.add(str(i), sum(names[k] for k in group), START, wait=waited)

    def choose(self, now: float) -> int | tuple[int, int] | None:
        """Return the query to ask for, or the query and the id before which to read on."""
        ask = self._policy.choose(_at(now))
        if ask is None:
            return None
        return int(ask.query) if ask.before is None else (int(ask.query), int(ask.before))

    def observe(
        self,
        query: int,
        now: float,
        posts: Sequence[SimulatedPost],
        page_full: bool,
        before: int | None,
    ) -> None:
        """Take the page."""
        ask = Ask(str(query), None if before is None else str(before))
        seen = [Seen(str(p.id), _at(p.time)) for p in posts]
        known = self._newest.get(query, -1)
        if before is None:
            self._newest[query] = max([known, *(p.id for p in posts[:1])])
        else:
            known = self._known.pop((query, before))
        left = page_full and posts[-1].id > known >= 0
        if left:
            self._known[query, posts[-1].id] = known
        self._policy.observe(ask, _at(now), seen, full=left)


def _at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def make(rates: Sequence[float], budget: float, page: int) -> Adapter:
    """Return the policy with one query for each keyword."""
    return Adapter(rates, budget, page)


def make_or(rates: Sequence[float], budget: float, page: int) -> Adapter:
    """Return the policy where the source knows OR and takes ten words."""
    return Adapter(rates, budget, page, size=10)


def main() -> None:
    """Print every figure that a change of the policy is judged by."""
    if not TOOLS.is_dir():
        sys.exit("the recordings (../shared) are not on this machine")
    seeds = sys.argv[1:] or ["0", "1", "2", "3", "4"]
    ours = ["tests.benchmarks.polling:make", "tests.benchmarks.polling:make_or"]
    for budget in ("20", "5", "60"):
        command = [sys.executable, str(TOOLS / "polling_sim.py"), "--builtin", "full-a", "--policy"]
        command += [*ours, "--budget", budget, "--seed", *seeds]
        print(f"\n== {budget} requests a minute for 200 keywords", flush=True)
        subprocess.run(command, cwd=ROOT, check=True)  # noqa: S603 -- our own


if __name__ == "__main__":
    main()
