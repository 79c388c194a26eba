"""How fast, light and good tone is: `python -m tests.benchmarks.tone FOLDER_OF_LABELLED_TEXTS`.

Prints posts a second beside `SnowNLP(text).sentiments` on the same posts (processor time of one
core, the best of three rounds), what loading adds to an interpreter with numpy (fresh processes, the
median of five), and the figures of every evaluation file, as written and without emoticons. With
--left-out also those of models that never saw the source they are measured on: some minutes each.
Asserts nothing.
"""

import argparse
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from time import process_time

from watchers.tone import Figures, Row, ToneModel, evaluate, read_labels, train
from watchers.tone.reading import without_emoticons

POSTS = 10_000
SINGLY = 2_000
SLOWLY = 200
BATCH = 500
PROCESSES = 5
SOURCES = ("smp_usual", "smp_virus")
HINTS = ("weibo2018_train", "weibo_senti_100k", "waimai_10k")
LOADING = """
import re, time, numpy
from pathlib import Path
def held():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024
before, wall, cpu = held(), time.perf_counter(), time.process_time()
from watchers.tone import ToneModel
ToneModel.load().score(["先载入词典"])
print(time.perf_counter() - wall, time.process_time() - cpu, held() - before)
"""


def rate(name: str, work: Callable[[Sequence[str]], object], texts: Sequence[str]) -> float:
    """Print and return how many of TEXTS go through WORK in a second."""
    rounds = []
    for _ in range(3):
        start = process_time()  # others may share the core
        work(texts)
        rounds.append(process_time() - start)
    speed = len(texts) / min(rounds)
    print(f"{name:36} {speed:10,.0f} posts/s")
    return speed


def loading() -> None:
    """Print what the model and its first post cost, on Linux."""
    runs = []
    for _ in range(PROCESSES):
        done = subprocess.run(  # noqa: S603  # our own words
            [sys.executable, "-c", LOADING], capture_output=True, text=True, check=True
        )
        runs.append([float(word) for word in done.stdout.split()])
    wall, cpu, memory = map(median, zip(*runs, strict=True))
    print(f"{'load and first post':36} {wall:10.2f} s ({cpu:.2f} s of CPU), {memory:.0f} MB more")


def speed(model: ToneModel, texts: Sequence[str]) -> None:
    """Print posts a second, ours and SnowNLP's."""

    def in_batches(some: Sequence[str]) -> None:
        for start in range(0, len(some), BATCH):
            model.score(some[start : start + BATCH])

    fast = rate(f"in batches of {BATCH}", in_batches, texts)
    rate("one by one", lambda some: [model.score([text]) for text in some], texts[:SINGLY])
    from snownlp import SnowNLP  # noqa: PLC0415  # some 400 MB, so after the memory was read

    slow = rate(
        "SnowNLP(text).sentiments", lambda s: [SnowNLP(t).sentiments for t in s], texts[:SLOWLY]
    )
    print(f"{'times faster in batches':36} {fast / slow:10,.0f}")


def row(name: str, found: Figures) -> None:
    print(
        f"{name:36} acc {found.accuracy:.3f}  AUC {found.auc:.3f}  NvR {found.nvr_auc:.3f}  "
        f"R@5 {found.recall_at_5:.3f}  ECE {found.ece:.3f}"
    )


def measure(model: ToneModel, folder: Path, source: str, name: str) -> None:
    found = evaluate(model, rows(folder, f"{source}_eval"))
    row(name, found)
    row(f"{name}, no emoticons", found.stripped)


def rows(folder: Path, name: str) -> list[Row]:
    return list(read_labels(folder / f"{name}.tsv.gz"))


def hints(folder: Path) -> dict[str, list[Row]]:
    """Return the hints of the shipped model; emoticons made the labels of one of them."""
    found = {name: rows(folder, name) for name in HINTS}
    found[HINTS[1]] = [(label, without_emoticons(text)) for label, text in found[HINTS[1]]]
    return found


def main(folder: Path, *, left_out: bool) -> None:
    loading()
    model = ToneModel.load()
    speed(model, [text for _, text in rows(folder, "smp_usual_train")][:POSTS])
    for source in SOURCES:
        measure(model, folder, source, f"{source}_eval")
    for out in SOURCES if left_out else ():
        rest = {f"{s}_train": rows(folder, f"{s}_train") for s in SOURCES if s != out}
        trained = train(rest, now=datetime(2026, 1, 1, tzinfo=UTC), hints=hints(folder))
        measure(trained.model, folder, out, f"{out}_eval, source left out")


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("folder", type=Path)
    asked.add_argument("--left-out", action="store_true")
    found = asked.parse_args()
    main(found.folder, left_out=found.left_out)
