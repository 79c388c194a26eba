"""How well crisis types are told: precision and recall on posts that people labelled.

    uv run python -m tests.benchmarks.types LABELLED.jsonl

A line is {"text": …, "types": [ids of the types it speaks of]}; an empty list where it speaks of
none. Measured on 753 recorded posts of 50 streams, half of them drawn because the first lexicon hit
them, labelled by one reader, lexicon terms added after looking at the errors of one half (the figures
are of the other): precision .31 to .49, recall .47 to .70. Of 361 posts drawn without the lexicon,
70 speak of a type: 36 are found, with 5 false ones. The posts belong to no client; where only posts
that name a client are looked at, fewer are false.
"""

import json
import sys
from collections import Counter
from pathlib import Path

from bot import playbooks
from watchers.risk import RiskModel
from watchers.tone import ToneModel


def main(path: Path) -> None:
    """Print what was found of what the people labelled, type by type."""
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]
    texts = [row["text"] for row in rows]
    risk = RiskModel(playbooks.load().crisis_types())
    tones = [tone for _, tone in ToneModel.load().score(texts)]
    right: Counter[str] = Counter()
    false: Counter[str] = Counter()
    missed: Counter[str] = Counter()
    for row, tone in zip(rows, tones, strict=True):
        found = {hit.type for hit in risk.types(row["text"], tone)}
        truth = set(row["types"])
        right.update(found & truth)
        false.update(found - truth)
        missed.update(truth - found)
    print(f"{'type':24} {'precision':>18} {'recall':>18} {'F1':>6}")
    for name in sorted({*right, *false, *missed}):
        print(_line(name, right[name], false[name], missed[name]))
    print(_line("all (micro)", right.total(), false.total(), missed.total()))


def _line(name: str, right: int, false: int, missed: int) -> str:
    found, truth = right + false, right + missed
    precision, recall = right / max(found, 1), right / max(truth, 1)
    f1 = 2 * right / max(found + truth, 1)
    return f"{name:24} {precision:9.2f} {right:>3}/{found:<4} {recall:9.2f} {right:>3}/{truth:<4} {f1:6.2f}"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
