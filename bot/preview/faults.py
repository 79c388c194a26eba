"""The ways a call can go wrong on purpose: connections cut, servers broken, limits reached."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

KINDS = (
    "drop_before",  # the connection breaks, nothing was done
    "drop_after",  # it was done, then the connection breaks
    "cut_answer",  # it was done, half an answer arrives
    "slow",  # it was done, the answer takes its time
    "http_500",
    "html_503",
    "broken_json",
    "rate_limited",
)
EXECUTED = {"drop_after", "cut_answer", "slow"}


@dataclass(slots=True, kw_only=True)
class Fault:
    """A fault for METHOD ("*": any). `left`: how many calls it still spoils, None: every call."""

    method: str
    kind: str
    left: int | None = 1
    executed: bool = False  # was the call carried out all the same?
    retry_after: int | None = 1  # s, for rate_limited; None: the header is missing
    delay: timedelta = timedelta(seconds=30)  # for slow

    def __post_init__(self) -> None:
        if self.kind not in KINDS and not self.kind.startswith("error:"):
            known = ", ".join([*KINDS, "error:<code>"])
            message = f"unknown fault {self.kind}; known: {known}"
            raise ValueError(message)
        self.executed = self.executed or self.kind in EXECUTED

    def hits(self, method: str) -> bool:
        return self.left != 0 and self.method in {"*", method}


class Faults:
    """The faults still to be played, oldest first."""

    def __init__(self) -> None:
        self._planned: list[Fault] = []

    def plan(self, fault: Fault) -> None:
        self._planned.append(fault)

    def clear(self) -> None:
        self._planned.clear()

    def __iter__(self) -> Iterator[Fault]:
        return iter(self._planned)

    def take(self, method: str) -> Fault | None:
        """Return the fault for this call and use it up once."""
        for fault in self._planned:
            if fault.hits(method):
                if fault.left is not None:
                    fault.left -= 1
                return fault
        return None
