"""From the YAML files to `Playbooks`; everything that is wrong in them is said at once."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from bot.playbooks.reading import Fields, Place, nearest, read
from bot.playbooks.values import (
    Approvals,
    Clock,
    Dimension,
    Duty,
    HoldingStatement,
    Lexicon,
    OwnStep,
    Playbook,
    Playbooks,
    Said,
    SeverityRule,
    Source,
    StageRule,
)
from watchers.errors import BadPlaybook
from watchers.model import PlayStep, Severity, Stage

SHIPPED = Path(__file__).parent
DEFAULTS = "defaults.yaml"
TYPES_AT_LEAST = 14
TYPE_KEYS = (
    *("id", "name", "scct", "default_severity", "raise_if", "lexicon", "watch"),
    *("steps", "wrong_moves", "regulatory", "example"),
)
DEFAULT_KEYS = (
    *("clocks", "severities", "stages", "roles", "approvals", "core_steps", "close_when"),
    *("scct", "holding_statement", "weibo_channel", "scorecard", "regulatory", "sources"),
)
STAGES = (*Stage, "fade", "rebound")


@dataclass(frozen=True, slots=True)
class Known:
    """The names that a type's file may use."""

    roles: Collection[str]
    sources: Collection[str]
    duties: Collection[str]
    clusters: Collection[str]
    clocks: Collection[str]
    steps: set[str]  # ids that are taken: an incident's steps are told apart by them


def load(folder: Path | None = None, overrides: Path | None = None) -> Playbooks:
    """Read the playbooks of FOLDER (default: the shipped ones), OVERRIDES laid on top.

    A file of OVERRIDES names the id of a type and replaces the keys it carries; one with a new id
    is a new type and carries every key. Raises BadPlaybook, which lists every fault.
    """
    faults: list[str] = []
    base = folder or SHIPPED
    defaults, types = _files(base, faults)
    if overrides is not None:
        _lay_on_top(overrides, defaults, types, faults)
    if len(types) < TYPES_AT_LEAST:
        Place(base.name, "", None, faults).fault(
            f"holds {len(types)} crisis types, not {TYPES_AT_LEAST}", "restore the missing files"
        )
    books = _playbooks(defaults, types)
    if faults:
        listed = dict.fromkeys(faults)  # a place that is read twice says its fault twice
        raise BadPlaybook("\n" + "\n".join(f"- {fault}" for fault in listed))
    return books


# ------------------------------------------------------------------------------------------- files
def _files(folder: Path, faults: list[str]) -> tuple[Fields, dict[str, Fields]]:
    """Return the keys of the defaults and those of each type by id."""
    defaults = read(folder / DEFAULTS, faults).fields(DEFAULT_KEYS)
    types: dict[str, Fields] = {}
    for path in sorted(folder.glob("*.yaml")):
        if path.name == DEFAULTS:
            continue
        root = read(path, faults)
        if root.absent:
            continue
        fields = root.fields(TYPE_KEYS, ["note"])
        id_ = fields["id"].text()
        if id_ in types:
            fields["id"].fault(f"{types[id_]['id'].file} has the id {id_!r} too", "change one")
        elif id_ and id_ != path.stem:
            fields["id"].fault(f"is {id_!r}", f"write {path.stem}, as the file is called")
        types[id_ or path.stem] = fields
    return defaults, types


def _lay_on_top(
    folder: Path, defaults: Fields, types: dict[str, Fields], faults: list[str]
) -> None:
    """Replace in DEFAULTS and TYPES what the agency's own FOLDER says otherwise."""
    if not folder.is_dir():
        Place(folder.name, "", None, faults).fault("is no folder", "create it or leave it out")
    seen: dict[str, str] = {}
    for path in sorted(folder.glob("*.yaml")):
        root = read(path, faults)
        if root.absent:
            continue
        if path.name == DEFAULTS:
            defaults.update(_given(root.fields([], DEFAULT_KEYS)))
            continue
        fields = root.fields(["id"], [*TYPE_KEYS[1:], "note"])
        id_ = fields["id"].text()
        if id_ in seen:
            fields["id"].fault(f"{seen[id_]} has the id {id_!r} too", "put both into one file")
        seen[id_] = path.name
        if id_ in types:
            types[id_].update(_given(fields))
        elif id_:
            _new_type(root, fields, types)
            types[id_] = fields


def _given(fields: Fields) -> Fields:
    return {key: place for key, place in fields.items() if not place.absent}


def _new_type(root: Place, fields: Fields, types: Collection[str]) -> None:
    lacking = [key for key in TYPE_KEYS if fields[key].absent]
    if lacking:
        hint = nearest(fields["id"].text(), types)
        root.fault(f"a new type lacks {', '.join(lacking)}", f"write them; or {hint}")


# ---------------------------------------------------------------------------------------- defaults
def _playbooks(defaults: Fields, types: dict[str, Fields]) -> Playbooks:
    known = Known(
        roles=defaults["roles"].entries(),
        sources=defaults["sources"].entries(),
        duties=defaults["regulatory"].entries(),
        clusters=defaults["scct"].entries(),
        clocks=_ids(defaults["clocks"]),
        steps=set(),
    )
    weibo = defaults["weibo_channel"].fields(["do", "dont"])
    core = _steps(defaults["core_steps"], known)
    books = {id_: _playbook(fields, known) for id_, fields in types.items()}
    return Playbooks(
        types=books,
        clocks={clock.id: clock for clock in _clocks(defaults["clocks"], known)},
        severities=_severities(defaults["severities"], known),
        stages=_stages(defaults["stages"], known),
        roles={id_: place.text() for id_, place in defaults["roles"].entries().items()},
        approvals=_approvals(defaults["approvals"], known),
        own_core_steps=core,
        close_when=defaults["close_when"].texts(),
        scct={id_: place.text() for id_, place in defaults["scct"].entries().items()},
        holding_statement=_holding_statement(defaults["holding_statement"], known),
        weibo_do=_said(weibo["do"], known),
        weibo_dont=_said(weibo["dont"], known),
        scorecard=_scorecard(defaults["scorecard"], known),
        duties=_duties(defaults["regulatory"], known),
        sources=_sources(defaults["sources"]),
    )


def _ids(listed: Place) -> list[str]:
    """Return the ids in a list whose entries are read, and judged, elsewhere."""
    entries = listed.value if isinstance(listed.value, list) else []
    return [str(entry["id"]) for entry in entries if isinstance(entry, dict) and "id" in entry]


def _rows(
    listed: Place, required: str, optional: str = "", taken: set[str] | None = None
) -> list[Fields]:
    """Return the entries of a list of mappings with an id each, none the same and none TAKEN."""
    rows = [item.fields(required.split(), optional.split()) for item in listed.items()]
    seen = set() if taken is None else taken
    for row in rows:
        id_ = row["id"].value
        if isinstance(id_, str) and id_ in seen:
            row["id"].fault(f"the id {id_!r} is taken", "choose another")
        elif isinstance(id_, str):
            seen.add(id_)
    return rows


def _source(fields: Fields, known: Known, owner: Place) -> str | None:
    """Return the source named; None where it says `basis: own`. One of the two must stand."""
    source, basis = fields["source"], fields["basis"]
    if source.absent == basis.absent:
        owner.fault("needs a source or `basis: own`, and not both", "write one of the two")
    if not basis.absent:
        basis.one_of(["own"], "basis")
    return None if source.absent else source.one_of(known.sources, "source")


def _said(listed: Place, known: Known) -> tuple[Said, ...]:
    said = []
    for item in listed.items():
        fields = item.fields(["text"], ["source", "basis"])
        said.append(Said(text=fields["text"].text(), source=_source(fields, known, item)))
    return tuple(said)


def _clocks(listed: Place, known: Known) -> list[Clock]:
    return [
        Clock(
            id=row["id"].text(),
            due=row["due"].duration(),
            label=row["label"].text(),
            source=_source(row, known, row["id"]),
        )
        for row in _rows(listed, "id due label", "source basis")
    ]


def _severity(place: Place) -> Severity:
    name = place.one_of(list(Severity), "severity")
    return Severity(name) if name in list(Severity) else Severity.S4


def _severities(listed: Place, known: Known) -> dict[Severity, SeverityRule]:
    rules = {}
    for row in _rows(listed, "id name means pages broadcast", "ack source basis"):
        _source(row, known, row["id"])
        rule = SeverityRule(
            severity=_severity(row["id"]),
            name=row["name"].text(),
            means=row["means"].text(),
            ack=None if row["ack"].absent else row["ack"].duration(),
            pages=row["pages"].names(known.roles, "role", empty=True),
            broadcast=row["broadcast"].flag(),
        )
        rules[rule.severity] = rule
    _all_there(listed, _ids(listed), Severity)
    return rules


def _stages(listed: Place, known: Known) -> dict[str, StageRule]:
    rules = {}
    for row in _rows(listed, "id zh name enter", "source basis"):
        id_ = row["id"].one_of(STAGES, "stage")
        rules[id_] = StageRule(
            id=id_,
            name=row["name"].text(),
            name_zh=row["zh"].text(),
            enter=row["enter"].text(),
            source=_source(row, known, row["id"]),
        )
    _all_there(listed, rules, STAGES)
    return rules


def _all_there(listed: Place, found: Collection[str], wanted: Iterable[str]) -> None:
    lacking = [str(name) for name in wanted if name not in found]
    if lacking and not listed.absent:
        listed.fault(f"lacks {', '.join(lacking)}", "write all of them")


def _approvals(place: Place, known: Known) -> Approvals:
    fields = place.fields(["order", "text", "reminders"], ["source", "basis"])
    if not place.absent:
        _source(fields, known, place)
    return Approvals(
        order=fields["order"].names(known.roles, "role"),
        text=fields["text"].text(),
        reminders=tuple(item.duration() for item in fields["reminders"].items()),
    )


def _holding_statement(place: Place, known: Known) -> HoldingStatement:
    fields = place.fields(["must_have", "must_not", "zh", "en"])
    return HoldingStatement(
        zh=fields["zh"].text(),
        en=fields["en"].text(),
        must_have=tuple(
            Said(text=row["text"].text(), source=_source(row, known, row["id"]))
            for row in _rows(fields["must_have"], "id text", "source basis")
        ),
        must_not=fields["must_not"].texts(),
    )


def _scorecard(listed: Place, known: Known) -> tuple[Dimension, ...]:
    rows = _rows(listed, "id name zh weight measure source")
    card = tuple(
        Dimension(
            id=row["id"].text(),
            name=row["name"].text(),
            name_zh=row["zh"].text(),
            weight=row["weight"].number(),
            measure=row["measure"].text(),
            source=row["source"].one_of(known.sources, "source"),
        )
        for row in rows
    )
    total = sum(dimension.weight for dimension in card)
    if rows and total != 100:
        listed.fault(f"the weights add up to {total}", "make them add up to 100")
    return card


def _duties(place: Place, known: Known) -> dict[str, Duty]:
    duties = {}
    for id_, entry in place.entries().items():
        row = entry.fields(["area", "duty", "cite", "source"], ["due", "when", "from", "verify"])
        if not row["due"].absent and not row["when"].absent:
            entry.fault("has `due` and `when`", "keep `due` for one number, `when` for words")
        duties[id_] = Duty(
            id=id_,
            area=row["area"].text(),
            duty=row["duty"].text(),
            cite=row["cite"].text(),
            source=row["source"].one_of(known.sources, "source"),
            due=None if row["due"].absent else row["due"].duration(),
            when=row["when"].maybe_text(),
            start=row["from"].maybe_text(),
            verify=row["verify"].maybe_text(),
        )
    return duties


def _sources(place: Place) -> dict[str, Source]:
    sources = {}
    for id_, entry in place.entries().items():
        row = entry.fields(["title"], ["year", "ref"])
        sources[id_] = Source(
            id=id_,
            title=row["title"].text(),
            year=None if row["year"].absent else row["year"].number(),
            ref=row["ref"].maybe_text(),
        )
    return sources


# ------------------------------------------------------------------------------------------- types
def _playbook(fields: Fields, known: Known) -> Playbook:
    name = fields["name"].fields(["en", "zh"])
    scct = fields["scct"].fields(["cluster"], ["becomes", "when"])
    example = fields["example"].fields(["zh", "en"])
    if scct["becomes"].absent != scct["when"].absent:
        fields["scct"].fault("has only one of `becomes` and `when`", "write both or neither")
    becomes = scct["becomes"]
    return Playbook(
        id=fields["id"].text() if isinstance(fields["id"].value, str) else "",
        name=name["en"].text(),
        name_zh=name["zh"].text(),
        severity=_severity(fields["default_severity"]),
        cluster=scct["cluster"].one_of(known.clusters, "cluster"),
        becomes=None if becomes.absent else becomes.one_of(known.clusters, "cluster"),
        when=scct["when"].maybe_text(),
        raise_if=fields["raise_if"].texts(),
        lexicon=_lexicon(fields["lexicon"]),
        watch=fields["watch"].texts(),
        steps=_steps(fields["steps"], known),
        wrong_moves=_said(fields["wrong_moves"], known),
        duties=fields["regulatory"].names(known.duties, "duty", empty=True),
        note=fields["note"].maybe_text(),
        example=example["zh"].text(),
        example_en=example["en"].text(),
    )


def _lexicon(place: Place) -> Lexicon:
    fields = place.fields(["zh", "weak", "en", "evasions", "exclude"])
    terms = {key: fields[key].texts(empty=key != "zh") for key in fields}
    for term, item in zip(terms["weak"], fields["weak"].items(empty=True), strict=False):
        if term and term not in terms["zh"]:
            item.fault(f"{term!r} is weak, but not in zh", "add it to zh, or remove it here")
    return Lexicon(
        zh=terms["zh"],
        weak=terms["weak"],
        en=terms["en"],
        evasions=terms["evasions"],
        exclude=terms["exclude"],
    )


def _steps(listed: Place, known: Known) -> tuple[OwnStep, ...]:
    steps = []
    for row in _rows(listed, "id due owner do", "gate clock", known.steps):
        gate, clock = row["gate"], row["clock"]
        step = PlayStep(
            id=row["id"].text(),
            due=row["due"].duration(),
            owner=row["owner"].one_of(known.roles, "role"),
            do=row["do"].text(),
            gate=None if gate.absent else gate.one_of(["approval"], "gate"),
        )
        named = None if clock.absent else clock.one_of(known.clocks, "clock")
        steps.append(OwnStep(step=step, clock=named))
    return tuple(steps)
