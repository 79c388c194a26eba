"""How fast a post gets its tone: `python -m tests.benchmarks.tone FOLDER_OF_LABELLED_TEXTS`.

Prints posts a second beside `SnowNLP(text).sentiments` in the same run: processor time of one
core, the best of three rounds, after what loading takes. Asserts nothing.
"""

import resource
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter, process_time

import rjieba

from watchers.match import fold
from watchers.tone import ToneModel, read_labels

POSTS = 10_000
SINGLY = 2_000
SLOWLY = 200
BATCH = 500


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


def peak() -> float:
    """Return the most memory this process ever had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def loading() -> ToneModel:
    """Load the model and print what it costs beyond what matching has loaded already."""
    fold("臺灣")
    rjieba.cut("先載入詞典")
    before, start = peak(), perf_counter()
    model = ToneModel.load()
    print(f"{'load':36} {perf_counter() - start:10.2f} s, {peak() - before:.0f} MB more")
    return model


def main(folder: Path) -> None:
    model = loading()
    texts = [text for _, text in read_labels(folder / "smp_usual_train.tsv.gz")][:POSTS]

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


if __name__ == "__main__":
    main(Path(sys.argv[1]))
