"""What messages need to know of a playbook, as plain values: no file, no loader."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """A clock that runs from t0; done when the step that does its work is done."""

    label: str  # "draft", "first word"
    due: timedelta
    step: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """A possible duty by law; `when` empty: a note without a clock."""

    duty: str
    cite: str
    when: str = ""
    start: str = ""  # what starts the clock
    verify: str = ""  # what counsel has to confirm first


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The playbook of one incident's type and severity."""

    name: str = ""
    name_zh: str = ""
    ack: timedelta | None = None  # None: nobody has to take it
    ack_step: str | None = None  # taking it does this step
    clocks: tuple[Clock, ...] = ()
    wrong_moves: tuple[str, ...] = ()
    duties: tuple[Duty, ...] = ()
    statement_zh: str = ""  # with {blanks}
    statement_en: str = ""
    must_not: tuple[str, ...] = ()  # what a statement never says
    approval: tuple[str, ...] = ()  # role ids, in order


EMPTY = Plan()
