"""A picture for the thread: posts per ten minutes beside the usual, and what happened when.

Drawn for a phone: few, large things. Colours are told apart by colour-blind people (Okabe and Ito,
2008) and differ in lightness as well; labels are English, times those of one named zone.
"""

from __future__ import annotations  # Axes is known to the type checker alone

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol
from zoneinfo import ZoneInfo

from watchers.model import Gap

if TYPE_CHECKING:  # matplotlib takes a second to import: only drawing waits for it
    from matplotlib.axes import Axes

BIN = timedelta(minutes=10)
SHOWN = timedelta(hours=6)
LONGEST_LABEL = 24  # characters beside a mark
MOST_MARKS = 6
LABEL = 0.085  # height of a mark's label, of the highest bar; each has its own line
POSTS, NEGATIVE, USUAL, INK = "#56B4E9", "#0B3C5D", "#E69F00", "#333333"


class Minute(Protocol):
    """One minute with posts (watchers.store.Minute)."""

    @property
    def at(self) -> datetime: ...
    @property
    def posts(self) -> int: ...
    @property
    def negatives(self) -> int: ...  # of `posts`


@dataclass(frozen=True, slots=True)
class Bar:
    """Ten minutes: `usual` is None where there is no history."""

    at: datetime
    posts: int
    negatives: int
    usual: float | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened: a stage, an acknowledgement."""

    at: datetime
    label: str


def bars(
    minutes: Sequence[Minute], now: datetime, usual_by_bin: Mapping[datetime, float] | None = None
) -> tuple[Bar, ...]:
    """Return the six hours before NOW in whole tens of minutes, oldest first, none left out.

    Keys of USUAL_BY_BIN are the starts of bins (see `starts`).
    """
    usual = usual_by_bin or {}
    posts: dict[datetime, int] = {}
    negatives: dict[datetime, int] = {}
    for minute in minutes:
        start = bin_start(minute.at)
        posts[start] = posts.get(start, 0) + minute.posts
        negatives[start] = negatives.get(start, 0) + minute.negatives
    return tuple(
        Bar(at, posts.get(at, 0), negatives.get(at, 0), usual.get(at)) for at in starts(now)
    )


def starts(now: datetime) -> tuple[datetime, ...]:
    """Return the starts of the bins shown at NOW; the last one is not over yet."""
    last = bin_start(now)
    count = SHOWN // BIN
    return tuple(last - BIN * n for n in range(count - 1, -1, -1))


def bin_start(at: datetime) -> datetime:
    return at - timedelta(minutes=at.minute % 10, seconds=at.second, microseconds=at.microsecond)


def band(usual: float) -> tuple[float, float]:
    """Return how far an ordinary ten minutes may be from USUAL posts: two deviations of Poisson."""
    width = 2 * usual**0.5
    return max(usual - width, 0.0), usual + width


def alt(
    minutes: Sequence[Minute],
    now: datetime,
    usual_by_bin: Mapping[datetime, float] | None = None,
    marks: Sequence[Mark] = (),
    *,
    zone: str = "Asia/Shanghai",
    gaps: Sequence[Gap] = (),
) -> str:
    """Return the finding of the picture in words: peak, usual, last full bin, what is unknown."""
    shown = bars(minutes, now, usual_by_bin)
    inside = [(max(g.start, shown[0].at), min(g.end, now)) for g in gaps]
    spans = [f"{_clock(a, zone)} to {_clock(b, zone)}" for a, b in inside if a < b]
    unseen = f" Not seen: {', '.join(spans)}." if spans else ""
    if not any(bar.posts for bar in shown):
        return f"Posts per 10 minutes over the last 6 hours: none.{unseen}"
    peak = max(shown, key=lambda bar: bar.posts)
    usual = "" if peak.usual is None else f" (usual {peak.usual:.1f})"
    last = shown[-2]
    told = (
        f"Posts per 10 minutes over the last 6 hours: peak {peak.posts}{usual} at "
        f"{_clock(peak.at, zone)} {_place(zone)}, {last.posts} from {_clock(last.at, zone)}; "
        f"{_share(shown)} negative."
    )
    happened = [f"{_label(m)} {_clock(m.at, zone)}" for m in _within(marks, shown)]
    return f"{told} {', '.join(happened)}.{unseen}" if happened else f"{told}{unseen}"


def _share(shown: Sequence[Bar]) -> str:
    return f"{sum(b.negatives for b in shown) / sum(b.posts for b in shown):.0%}"


def _clock(at: datetime, zone: str) -> str:
    return f"{at.astimezone(ZoneInfo(zone)):%H:%M}"


def _place(zone: str) -> str:
    """Return the zone in a word: "China", "Paris"."""
    return "China" if zone == "Asia/Shanghai" else zone.rpartition("/")[2].replace("_", " ")


def _within(marks: Sequence[Mark], shown: Sequence[Bar]) -> list[Mark]:
    inside = [m for m in marks if shown[0].at <= m.at < shown[-1].at + BIN]
    return sorted(inside, key=lambda mark: mark.at)[-MOST_MARKS:]


def _label(mark: Mark) -> str:
    return latin(mark.label, LONGEST_LABEL) or "mark"


def latin(text: str, most: int) -> str:
    """Return TEXT in Latin letters, at most MOST: a machine's fonts may lack all others."""
    kept = " ".join("".join(c for c in text if c.isprintable() and ord(c) < 0x250).split())
    kept = re.sub(r" +([:,.;])", r"\1", kept).replace("$", "\\$")  # matplotlib would set a formula
    return kept if len(kept) <= most else kept[: most - 3].rstrip("\\ ") + "..."


# ------------------------------------------------------------------------------------------ picture
def chart(
    minutes: Sequence[Minute],
    usual_by_bin: Mapping[datetime, float] | None = None,
    marks: Sequence[Mark] = (),
    *,
    title: str,
    zone: str,
    now: datetime,
    gaps: Sequence[Gap] = (),
) -> bytes:
    """Return a PNG of the six hours before NOW, 1200 by 750 pixels, times in ZONE.

    GAPS were not seen: nothing drawn there is not the same as no posts. Safe to call in a thread.
    """
    from matplotlib.figure import Figure  # noqa: PLC0415 - takes a second; only drawing waits for it

    shown = bars(minutes, now, usual_by_bin)
    figure = Figure(figsize=(8, 5), dpi=150, layout="constrained", facecolor="white")
    axes = figure.add_subplot()
    height = _draw_posts(axes, shown)
    height = max(height, _draw_usual(axes, shown))
    _draw_gaps(axes, gaps, shown)
    inside = _within(marks, shown)
    _draw_marks(axes, inside, shown, height)
    axes.set_ylim(0, max(height, 1) * (1.06 + LABEL * len(inside)))
    _dress(axes, shown, latin(title, 70) or "Posts per 10 minutes", zone)
    out = io.BytesIO()
    figure.savefig(out, format="png")
    return out.getvalue()


def _draw_posts(axes: Axes, shown: Sequence[Bar]) -> float:
    """Draw the bars, negative posts inside them; return the highest."""
    spots = range(len(shown))
    posts = [bar.posts for bar in shown]
    axes.bar(spots, posts, width=0.85, color=POSTS, label="posts", zorder=2)
    axes.bar(
        spots,
        [bar.negatives for bar in shown],
        width=0.85,
        color=NEGATIVE,
        label="of these negative",
        zorder=3,
    )
    if not any(posts):
        axes.text(0.5, 0.5, "no posts", transform=axes.transAxes, ha="center", fontsize=20)
    return float(max(posts))


def _draw_usual(axes: Axes, shown: Sequence[Bar]) -> float:
    """Draw the usual level and its band where they are known; return the top of the band."""
    usual = [bar.usual for bar in shown]
    if all(level is None for level in usual):
        axes.plot([], [], color=USUAL, label="usual: not known yet")
        return 0.0
    edges = [n - 0.5 for n in range(len(shown) + 1)]
    nan = float("nan")
    level = [nan if u is None else u for u in usual]
    low = [nan if u is None else band(u)[0] for u in usual]
    high = [nan if u is None else band(u)[1] for u in usual]
    axes.fill_between(
        edges,
        [*low, low[-1]],
        [*high, high[-1]],
        step="post",
        color=USUAL,
        alpha=0.3,
        linewidth=0,
        label="usual range",
        zorder=1.5,
    )
    axes.step(edges, [*level, level[-1]], where="post", color=USUAL, linewidth=2.5, zorder=5)
    return max(band(u)[1] for u in usual if u is not None)


def _draw_gaps(axes: Axes, gaps: Sequence[Gap], shown: Sequence[Bar]) -> None:
    label = "not seen"
    for gap in gaps:
        start, end = (
            max(_spot(gap.start, shown), -0.5),
            min(_spot(gap.end, shown), len(shown) - 0.5),
        )
        if start < end:
            axes.axvspan(
                start,
                end,
                facecolor="#DDDDDD",
                edgecolor="#999999",
                hatch="//",
                label=label,
                zorder=1,
            )
            label = ""  # once in the legend


def _draw_marks(axes: Axes, marks: Sequence[Mark], shown: Sequence[Bar], height: float) -> None:
    """Draw a line with a label for each mark; the newest stands highest."""
    for n, mark in enumerate(marks):
        spot = _spot(mark.at, shown)
        level = max(height, 1) * (1.06 + LABEL * (n + 1))
        axes.vlines(spot, 0, level, color=INK, linewidth=1.4, linestyle="--", zorder=6)
        left = spot > len(shown) * 0.6
        axes.annotate(
            _label(mark),
            (spot, level),
            xytext=(-5 if left else 5, -2),
            textcoords="offset points",
            ha="right" if left else "left",
            va="top",
            fontsize=13,
            color=INK,
            zorder=7,
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1},
        )


def _spot(at: datetime, shown: Sequence[Bar]) -> float:
    """Return where AT lies on the axis, whose bars stand at 0, 1, 2, ..."""
    return (at - shown[0].at) / BIN - 0.5


def _dress(axes: Axes, shown: Sequence[Bar], title: str, zone: str) -> None:
    """Give AXES its title, hours and legend, all large enough for a phone."""
    ticks = [n for n, bar in enumerate(shown) if bar.at.minute == 0]
    axes.set_xticks([n - 0.5 for n in ticks], [_clock(shown[n].at, zone) for n in ticks])
    axes.set_xlim(-0.7, len(shown) - 0.3)
    axes.locator_params(axis="y", integer=True, nbins=6)
    axes.tick_params(labelsize=14)
    axes.set_xlabel(f"{_place(zone)} time", fontsize=14)
    axes.set_ylabel("posts per 10 min", fontsize=14)
    axes.set_title(title, fontsize=17, fontweight="bold", loc="left", pad=38)
    axes.legend(
        loc="lower left",
        bbox_to_anchor=(-0.01, 1.0),
        ncols=4,
        frameon=False,
        fontsize=13,
        handlelength=1.2,
        columnspacing=1.2,
        borderaxespad=0.2,
    )
    axes.grid(axis="y", color="#E5E5E5", zorder=0)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


# -------------------------------------------------------------------------------------- reliability
def reliability(table: Sequence[tuple[float, float, int]], *, title: str) -> bytes:
    """Return a PNG, 1200 by 1050 pixels: what was said against what was true, and how often.

    Rows of TABLE: mean probability, share that is true, posts. On the line, both are the same.
    """
    from matplotlib.figure import Figure  # noqa: PLC0415  # as above

    figure = Figure(figsize=(8, 7), dpi=150, layout="constrained", facecolor="white")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    said, true, posts = zip(*table, strict=True) if table else ((), (), ())
    above.plot((0, 1), (0, 1), color=USUAL, linewidth=2, linestyle="--", label="said is true")
    above.plot(said, true, color=NEGATIVE, marker="o", markersize=8, linewidth=2, label="posts")
    above.set_ylim(0, 1)
    above.set_ylabel("share truly negative", fontsize=14)
    above.set_title(latin(title, 70), fontsize=17, fontweight="bold", loc="left")
    above.legend(loc="upper left", frameon=False, fontsize=13)
    below.bar([(min(int(p * 10), 9) + 0.5) / 10 for p in said], posts, width=0.09, color=POSTS)
    below.set_ylabel("posts", fontsize=14)
    below.set_xlabel("probability of negative", fontsize=14)
    below.set_xlim(0, 1)
    for axes in (above, below):
        axes.tick_params(labelsize=14)
        axes.grid(axis="y", color="#E5E5E5", zorder=0)
        axes.set_axisbelow(True)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
    out = io.BytesIO()
    figure.savefig(out, format="png")
    return out.getvalue()
