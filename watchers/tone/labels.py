"""Labelled lines: `label<TAB>text`, -1 negative, 0 neutral, 1 positive; gzip too."""

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

from watchers.errors import BadInput

EACH = (-1, 0, 1)
Row = tuple[int, str]  # label, text
_LABELS = {"-1": -1, "0": 0, "1": 1, "+1": 1}


def read_labels(path: Path) -> Iterator[Row]:
    """Yield label and text of each line; blank lines are passed over.

    Raises BadInput, naming file and line, for a line that is none.
    """
    try:
        with _opened(path) as lines:
            for number, raw in enumerate(lines, 1):
                if raw.strip():
                    yield _row(raw, f"{path}:{number}")
    except (OSError, EOFError, zlib.error) as error:
        raise BadInput(f"{path}: {error}. Give a file of lines `label<TAB>text`.") from error


def _opened(path: Path) -> IO[bytes]:
    with path.open("rb") as file:
        zipped = file.read(2) == b"\x1f\x8b"
    return cast("IO[bytes]", gzip.open(path)) if zipped else path.open("rb")


def _row(raw: bytes, where: str) -> Row:
    try:
        line = raw.decode("utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise BadInput(f"{where}: this is not UTF-8. Save the file as UTF-8.") from error
    label, tab, text = line.partition("\t")
    if not tab:
        raise BadInput(f"{where}: there is no tab. Write the label, a tab, then the text.")
    if label.strip() not in _LABELS:
        raise BadInput(f"{where}: the label is {label[:20]!r}. Write -1, 0 or 1.")
    return _LABELS[label.strip()], text
