"""YAML read with places: every fault is noted with file and path, and reading goes on.

Readers give an empty value for what is absent or wrong; whoever reads refuses the whole once
`faults` holds anything, so such a value goes nowhere.
"""

import re
from collections.abc import Collection, Hashable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import cast

import yaml

DURATION = re.compile(r"P(?:(\d+)W|(?=[\dT])(?:(\d+)D)?(?:T(?=\d)(?:(\d+)H)?(?:(\d+)M)?)?)")
ABSENT = object()


class _Loader(yaml.SafeLoader):
    """Refuses a key written twice, which YAML would let pass unseen."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Hashable, object]:
    seen: set[Hashable] = set()
    for key_node, _ in node.value:
        key = cast("Hashable", loader.construct_object(key_node, deep=True))
        if key in seen:
            raise yaml.constructor.ConstructorError(
                None, None, f"the key {key!r} is written twice", key_node.start_mark
            )
        seen.add(key)
    return loader.construct_mapping(node, deep=True)


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)


@dataclass(frozen=True, slots=True)
class Place:
    """A value, where it stands, and the list that its faults go to."""

    file: str
    path: str
    value: object
    faults: list[str]

    def fault(self, wrong: str, mend: str) -> None:
        where = f"{self.file}: {self.path}" if self.path else self.file
        self.faults.append(f"{where}: {wrong}; {mend}")

    @property
    def absent(self) -> bool:
        return self.value is ABSENT

    def fields(self, required: Collection[str], optional: Collection[str] = ()) -> "Fields":
        """Return one place a key, those of absent keys included; unknown keys are faults."""
        value = {} if self.absent else self.value
        if not isinstance(value, dict):
            self.fault(f"is {_kind(value)}", f"write the keys {_listed(required)}")
            value = {}
        known = [*required, *optional]
        for key in value:
            if key not in known:
                self._under(str(key), None).fault("no such key", nearest(str(key), known))
        if not self.absent:
            for key in required:
                if key not in value:
                    self._under(key, None).fault("is missing", "write this key")
        return {key: self._under(key, value.get(key, ABSENT)) for key in known}

    def entries(self) -> "Fields":
        """Return one place a key of a mapping whose keys are free."""
        if isinstance(self.value, dict) and self.value:
            return {str(key): self._under(str(key), value) for key, value in self.value.items()}
        if not self.absent:
            self.fault(f"is {_kind(self.value)}", "write at least one `key: value`")
        return {}

    def items(self, *, empty: bool = False) -> list["Place"]:
        """Return one place an entry of a list; no entries are a fault unless EMPTY may be."""
        if isinstance(self.value, list) and (self.value or empty):
            return [
                Place(self.file, f"{self.path}[{n}]", value, self.faults)
                for n, value in enumerate(self.value)
            ]
        if not self.absent:
            self.fault(f"is {_kind(self.value)}", "write a list, `- ` before each entry")
        return []

    def text(self) -> str:
        if isinstance(self.value, str) and self.value.strip():
            return self.value.strip()
        if not self.absent:
            mend = f'put it in quotes: "{self.value}"' if self.value is not None else "write text"
            self.fault(f"is {_kind(self.value)} where text belongs", mend)
        return ""

    def maybe_text(self) -> str | None:
        return None if self.absent else self.text()

    def texts(self, *, empty: bool = False) -> tuple[str, ...]:
        """Return the texts of a list; one that stands there twice is a fault."""
        places = self.items(empty=empty)
        found: list[str] = []
        for place in places:
            text = place.text()
            if text and text in found:
                place.fault(f"{text!r} stands in this list already", "remove one of the two")
            found.append(text)
        return tuple(found)

    def names(self, known: Iterable[str], what: str, *, empty: bool = False) -> tuple[str, ...]:
        """Return the texts of a list, each one of KNOWN and none twice."""
        for item in self.items(empty=empty):
            item.one_of(known, what)
        return self.texts(empty=empty)

    def duration(self) -> timedelta:
        match = DURATION.fullmatch(self.value) if isinstance(self.value, str) else None
        if match is not None:
            weeks, days, hours, minutes = (int(part or 0) for part in match.groups())
            length = timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes)
            if length:
                return length
        if not self.absent:
            self.fault(
                f"{self.value!r} is no duration", "write ISO 8601, such as PT30M, PT4H or P5D"
            )
        return timedelta(0)

    def number(self) -> int:
        if isinstance(self.value, int) and not isinstance(self.value, bool):
            return self.value
        if not self.absent:
            self.fault(f"is {_kind(self.value)}", "write a whole number")
        return 0

    def flag(self) -> bool:
        if isinstance(self.value, bool):
            return self.value
        if not self.absent:
            self.fault(f"is {_kind(self.value)}", "write true or false")
        return False

    def one_of(self, known: Iterable[str], what: str) -> str:
        """Return the text if it is one of KNOWN; WHAT they are is said in the fault."""
        text = self.text()
        names = list(known)
        if text and text not in names:
            self.fault(f"there is no {what} {text!r}", nearest(text, names))
        return text

    def _under(self, key: str, value: object) -> "Place":
        return Place(self.file, f"{self.path}.{key}" if self.path else key, value, self.faults)


Fields = dict[str, Place]


def read(path: Path, faults: list[str]) -> Place:
    """Read one file; one that cannot be read or parsed is a fault and reads as absent."""
    name = path.name
    try:
        value = yaml.load(path.read_text("utf-8"), Loader=_Loader)  # noqa: S506 (it is a SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}" if mark is not None else "its text"
        problem = getattr(error, "problem", None) or "it is no YAML"
        Place(name, where, None, faults).fault(problem, "mend the line")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8"
        Place(name, "", None, faults).fault(f"cannot be read ({reason})", "mend the file")
    else:
        return Place(name, "", value, faults)
    return Place(name, "", ABSENT, faults)


def nearest(word: str, known: Collection[str]) -> str:
    """Return the mend for a WORD that is none of KNOWN."""
    close = get_close_matches(word, known, n=1, cutoff=0.6)
    return f"did you mean {close[0]}?" if close else f"write one of {_listed(known)}"


def _listed(words: Iterable[str]) -> str:
    return ", ".join(sorted(words)) or "none"


def _kind(value: object) -> str:
    if value is None:
        return "empty"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    word = {str: "text", bool: "yes or no", int: "number", float: "number"}.get(
        type(value), "value"
    )
    return f"the {word} {value!r}"
