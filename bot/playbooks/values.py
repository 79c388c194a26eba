"""The playbooks as frozen values, and the three questions put to them.

Which type is it (`choose`), what is to be done (`steps_for`), by when (`due`). Knows no file.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Protocol

from watchers.model import CrisisType, PlayStep, Severity


class Tally(Protocol):
    """What is counted for one crisis type in the posts of an incident (the store's TypeTally)."""

    @property
    def type(self) -> str: ...
    @property
    def posts(self) -> int: ...
    @property
    def strong(self) -> int: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A sentence and where it comes from; no `source`: our own judgement."""

    text: str
    source: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    id: str
    due: timedelta  # after t0
    label: str
    source: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SeverityRule:
    """What a severity demands; `ack` None: nobody has to take it."""

    severity: Severity
    name: str
    means: str
    ack: timedelta | None
    pages: tuple[str, ...]  # role ids, first paged first
    broadcast: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StageRule:
    id: str  # a watchers.model.Stage, or "fade" or "rebound"
    name: str
    name_zh: str
    enter: str
    source: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Approvals:
    order: tuple[str, ...]  # role ids
    text: str
    reminders: tuple[timedelta, ...]  # after the request


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldingStatement:
    """Skeletons with {blanks}, and what a statement must and must not hold."""

    zh: str
    en: str
    must_have: tuple[Said, ...]
    must_not: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dimension:
    """One line of the response score; the weights of all add up to 100."""

    id: str
    name: str
    name_zh: str
    weight: int
    measure: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """A possible duty by law. Neither `due` nor `when`: a note without a clock."""

    id: str
    area: str
    duty: str
    cite: str
    source: str
    due: timedelta | None = None
    when: str | None = None
    start: str | None = None  # what starts the clock
    verify: str | None = None  # what counsel has to confirm first


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A published text; people are shown `title` and `year`."""

    id: str
    title: str
    year: int | None = None
    ref: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lexicon:
    zh: tuple[str, ...]
    weak: tuple[str, ...]  # the part of `zh` that needs a second hit or negative tone
    en: tuple[str, ...]
    evasions: tuple[str, ...]  # spellings that slip past filters; weak
    exclude: tuple[str, ...]  # blanked before matching, inside this type only

    @property
    def strong(self) -> tuple[str, ...]:
        """The terms that suffice alone, both languages."""
        return tuple(term for term in self.zh if term not in self.weak) + self.en


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnStep:
    """A step, and the clock whose work it does."""

    step: PlayStep
    clock: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Playbook:
    """What to do in one type of crisis."""

    id: str
    name: str
    name_zh: str
    severity: Severity  # where it starts
    cluster: str  # how responsible the public holds the client: victim, accidental, preventable
    becomes: str | None  # the cluster it turns into, `when` this holds
    when: str | None
    raise_if: tuple[str, ...]
    lexicon: Lexicon
    watch: tuple[str, ...]
    steps: tuple[OwnStep, ...]
    wrong_moves: tuple[Said, ...]
    duties: tuple[str, ...]  # ids of `Playbooks.duties`
    note: str | None
    example: str  # an invented post that this playbook is chosen for
    example_en: str

    @property
    def crisis_type(self) -> CrisisType:
        """The part that the watchers need."""
        return CrisisType(
            id=self.id,
            name=self.name,
            name_zh=self.name_zh,
            severity=self.severity,
            strong=self.lexicon.strong,
            weak=self.lexicon.weak,
            evasions=self.lexicon.evasions,
            exclude=self.lexicon.exclude,
            steps=tuple(own.step for own in self.steps),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Playbooks:
    """All playbooks and what holds for every type. Mappings keep the order of the files."""

    types: Mapping[str, Playbook]
    clocks: Mapping[str, Clock]
    severities: Mapping[Severity, SeverityRule]
    stages: Mapping[str, StageRule]
    roles: Mapping[str, str]
    approvals: Approvals
    own_core_steps: tuple[OwnStep, ...]
    close_when: tuple[str, ...]
    scct: Mapping[str, str]  # cluster -> the answer that fits
    holding_statement: HoldingStatement
    weibo_do: tuple[Said, ...]
    weibo_dont: tuple[Said, ...]
    scorecard: tuple[Dimension, ...]
    duties: Mapping[str, Duty]
    sources: Mapping[str, Source]

    @property
    def core_steps(self) -> tuple[PlayStep, ...]:
        """The steps every incident starts with, whatever its type."""
        return tuple(own.step for own in self.own_core_steps)

    def crisis_types(self) -> tuple[CrisisType, ...]:
        """All types as the watchers know them."""
        return tuple(playbook.crisis_type for playbook in self.types.values())

    def choose(self, tallies: Iterable[Tally]) -> str | None:
        """Return the id of the type with most posts; None: nothing was counted.

        Ties go to the type that starts at the higher severity, then to more strong hits.
        """
        known = [tally for tally in tallies if tally.type in self.types and tally.posts > 0]
        if not known:
            return None
        return min(
            known, key=lambda t: (-t.posts, self.types[t.type].severity, -t.strong, t.type)
        ).type

    def steps_for(self, type_id: str | None, severity: Severity) -> tuple[PlayStep, ...]:
        """Return the core steps and the type's own, by due time; only core steps for None.

        A step of the type takes the place of the core step for the same clock if it is due no
        later. The first step is due when the severity wants an answer; where it wants none, there
        is no such step.
        """
        own = self.types[type_id].steps if type_id is not None else ()
        core = [kept for kept in self._core(severity) if not _outrun(kept, own)]
        return tuple(sorted((s.step for s in (*core, *own)), key=lambda step: step.due))

    def due(self, clock: str, type_id: str | None, severity: Severity) -> timedelta | None:
        """Return when CLOCK runs out after t0; None: it does not run at this severity."""
        if clock == "ack":
            return self.severities[severity].ack
        own = self.types[type_id].steps if type_id is not None else ()
        earlier = (s.step.due for s in own if s.clock == clock)
        return min((self.clocks[clock].due, *earlier))

    def _core(self, severity: Severity) -> Iterable[OwnStep]:
        ack = self.severities[severity].ack
        for own in self.own_core_steps:
            if own.clock != "ack":
                yield own
            elif ack is not None:
                yield replace(own, step=replace(own.step, due=ack))


def _outrun(core: OwnStep, own: Iterable[OwnStep]) -> bool:
    return core.clock is not None and any(
        step.clock == core.clock and step.step.due <= core.step.due for step in own
    )
