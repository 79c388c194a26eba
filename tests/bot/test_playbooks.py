"""Playbooks: what is shipped holds together, and whatever is wrong in a file is said, all at once."""

import shutil
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from bot.playbooks import load
from bot.playbooks.loader import SHIPPED
from watchers.errors import BadPlaybook
from watchers.model import Severity, Stage, Tone
from watchers.risk import RiskModel

BOOKS = load()
RISK = RiskModel(BOOKS.crisis_types())


@dataclass(frozen=True)
class Counted:
    type: str
    posts: int
    strong: int = 0


# ------------------------------------------------------------------------------- what is shipped
def test_fourteen_types_are_shipped_and_each_file_is_called_like_its_type() -> None:
    files = {path.stem for path in SHIPPED.glob("*.yaml")} - {"defaults"}

    assert len(BOOKS.types) == 14
    assert set(BOOKS.types) == files


def test_strong_terms_are_the_chinese_ones_that_are_not_weak_and_all_english_ones() -> None:
    outage = next(known for known in BOOKS.crisis_types() if known.id == "outage")

    assert "崩了" in outage.strong
    assert "outage" in outage.strong
    assert "打不开" in outage.weak
    assert not set(outage.weak) & set(outage.strong)
    assert outage.severity is Severity.S3


def test_severities_say_how_soon_and_whom_they_page() -> None:
    first, last = BOOKS.severities[Severity.S1], BOOKS.severities[Severity.S4]

    assert first.ack == timedelta(minutes=5)
    assert first.pages == ("duty_officer", "account_lead", "client_comms", "legal")
    assert first.broadcast
    assert (last.ack, last.pages, last.broadcast) == (None, (), False)


def test_stages_are_those_of_the_model_in_its_order() -> None:
    assert list(BOOKS.stages) == [*Stage, "fade", "rebound"]


def test_skeletons_of_the_holding_statement_have_the_same_blanks_in_both_languages() -> None:
    def blanks(text: str) -> set[str]:
        return {part.split("}")[0] for part in text.split("{")[1:]}

    statement = BOOKS.holding_statement

    assert blanks(statement.zh) == blanks(statement.en)
    assert "next_time" in blanks(statement.en)


def test_every_type_has_a_step_that_needs_approval_before_the_public_word() -> None:
    for type_id in BOOKS.types:
        gated = [step for step in BOOKS.steps_for(type_id, Severity.S2) if step.gate]
        assert gated, type_id


# ------------------------------------------------------------------------------------ the questions
def test_without_a_type_there_are_the_core_steps_alone() -> None:
    steps = BOOKS.steps_for(None, Severity.S1)

    assert steps == BOOKS.core_steps


def test_an_earlier_step_of_the_type_takes_the_place_of_the_core_step() -> None:
    steps = {step.id: step for step in BOOKS.steps_for("outage", Severity.S3)}

    assert steps["o2"].due == timedelta(minutes=20)
    assert "c9" not in steps
    assert {"c2", "c7", "o1", "o7"} <= set(steps)


def test_steps_come_by_due_time_and_no_id_twice() -> None:
    for type_id in BOOKS.types:
        steps = BOOKS.steps_for(type_id, Severity.S2)
        assert [step.due for step in steps] == sorted(step.due for step in steps)
        assert len({step.id for step in steps}) == len(steps)


@pytest.mark.parametrize(
    ("severity", "due"),
    [
        pytest.param(Severity.S1, timedelta(minutes=5), id="S1 wants somebody within five minutes"),
        pytest.param(Severity.S3, timedelta(hours=1), id="S3 leaves an hour"),
        pytest.param(Severity.S4, None, id="S4 wants nobody, so there is no such step"),
    ],
)
def test_the_first_step_is_due_when_the_severity_wants_an_answer(
    severity: Severity, due: timedelta | None
) -> None:
    steps = {step.id: step.due for step in BOOKS.steps_for(None, severity)}

    assert steps.get("c1") == due
    assert BOOKS.due("ack", None, severity) == due


def test_a_clock_runs_out_earlier_where_the_type_says_so() -> None:
    assert BOOKS.due("first_word", "outage", Severity.S3) == timedelta(minutes=20)
    assert BOOKS.due("first_word", "endorser", Severity.S2) == timedelta(hours=4)
    assert BOOKS.due("first_word", None, Severity.S2) == timedelta(hours=4)
    assert BOOKS.due("verify", "national_sentiment", Severity.S1) == timedelta(minutes=15)


@pytest.mark.parametrize(
    ("counted", "chosen"),
    [
        pytest.param([], None, id="nothing counted, nothing chosen"),
        pytest.param([Counted("outage", 0)], None, id="no posts are no type"),
        pytest.param([Counted("nonsense", 5)], None, id="a type that is gone is not chosen"),
        pytest.param(
            [Counted("outage", 4), Counted("data_breach", 3)], "outage", id="more posts win"
        ),
        pytest.param(
            [Counted("outage", 3, 3), Counted("data_breach", 3)],
            "data_breach",
            id="of equals the one that starts higher",
        ),
        pytest.param(
            [Counted("outage", 3, 1), Counted("rumour", 3, 2)],
            "rumour",
            id="then the one with more strong hits",
        ),
    ],
)
def test_the_type_is_chosen_by_its_posts(counted: list[Counted], chosen: str | None) -> None:
    assert BOOKS.choose(counted) == chosen


# -------------------------------------------------------------------------------------- the faults
LEXICON = """lexicon:
  zh: [崩了, 宕机, 退款, '502']
  weak: [退款]
  en: [outage]
  evasions: []
  exclude: [心态崩了]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped files that a test may spoil."""
    target = tmp_path / "books"
    shutil.copytree(SHIPPED, target, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    outage = target / "outage.yaml"  # its words are tuned now and then; here they stay
    before, rest = outage.read_text("utf-8").split("lexicon:\n")
    _, after = rest.split("\nwatch:")
    outage.write_text(f"{before}{LEXICON}\nwatch:{after}", "utf-8")
    return target


def spoil(folder: Path, name: str, old: str, new: str) -> None:
    path = folder / name
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


def faults(folder: Path, overrides: Path | None = None) -> list[str]:
    with pytest.raises(BadPlaybook) as caught:
        load(folder, overrides)
    return str(caught.value).splitlines()[1:]


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        pytest.param(
            "outage.yaml",
            "due: PT20M",
            "due: 20 min",
            "outage.yaml: steps[1].due: '20 min' is no duration; "
            "write ISO 8601, such as PT30M, PT4H or P5D",
            id="a due time that is no duration",
        ),
        pytest.param(
            "outage.yaml",
            "due: PT20M",
            "due: PT",
            "outage.yaml: steps[1].due: 'PT' is no duration; "
            "write ISO 8601, such as PT30M, PT4H or P5D",
            id="a duration without a number",
        ),
        pytest.param(
            "outage.yaml",
            "owner: ceo",
            "owner: coe",
            "outage.yaml: steps[4].owner: there is no role 'coe'; did you mean ceo?",
            id="a role that does not exist",
        ),
        pytest.param(
            "outage.yaml",
            "source: S62",
            "source: S620",
            "outage.yaml: wrong_moves[0].source: there is no source 'S620'; did you mean S62?",
            id="a source that does not exist",
        ),
        pytest.param(
            "outage.yaml",
            "regulatory: [cac4",
            "regulatory: [cac5",
            "outage.yaml: regulatory[0]: there is no duty 'cac5'; did you mean cac4?",
            id="a duty that does not exist",
        ),
        pytest.param(
            "outage.yaml",
            "cluster: accidental",
            "cluster: accident",
            "outage.yaml: scct.cluster: there is no cluster 'accident'; did you mean accidental?",
            id="a cluster that does not exist",
        ),
        pytest.param(
            "outage.yaml",
            "gate: approval",
            "gate: aproval",
            "outage.yaml: steps[4].gate: there is no gate 'aproval'; did you mean approval?",
            id="a gate that does not exist",
        ),
        pytest.param(
            "outage.yaml",
            "clock: first_word",
            "clock: first_wrod",
            "outage.yaml: steps[1].clock: there is no clock 'first_wrod'; did you mean first_word?",
            id="a clock that does not exist",
        ),
        pytest.param(
            "outage.yaml",
            "default_severity: S3",
            "default_severity: S5",
            "outage.yaml: default_severity: there is no severity 'S5'; write one of S1, S2, S3, S4",
            id="a severity that does not exist",
        ),
        pytest.param(
            "outage.yaml",
            "id: outage",
            "id: outrage",
            "outage.yaml: id: is 'outrage'; write outage, as the file is called",
            id="an id that is not the file's name",
        ),
        pytest.param(
            "outage.yaml",
            "id: outage",
            "id: rumour",
            "rumour.yaml: id: outage.yaml has the id 'rumour' too; change one",
            id="an id that two files have",
        ),
        pytest.param(
            "outage.yaml",
            "id: o2",
            "id: o1",
            "outage.yaml: steps[1].id: the id 'o1' is taken; choose another",
            id="a step's id twice in a file",
        ),
        pytest.param(
            "outage.yaml",
            "id: o2",
            "id: c2",
            "outage.yaml: steps[1].id: the id 'c2' is taken; choose another",
            id="a step's id that a core step has",
        ),
        pytest.param(
            "outage.yaml",
            "weak: [退款",
            "weak: [退钱",
            "outage.yaml: lexicon.weak[0]: '退钱' is weak, but not in zh; "
            "add it to zh, or remove it here",
            id="a weak term that is not among the Chinese ones",
        ),
        pytest.param(
            "outage.yaml",
            "[崩了, 宕机",
            "[崩了, 崩了, 宕机",
            "outage.yaml: lexicon.zh[1]: '崩了' stands in this list already; remove one of the two",
            id="a term that stands twice in a list",
        ),
        pytest.param(
            "outage.yaml",
            "'502'",
            "502",
            'outage.yaml: lexicon.zh[3]: is the number 502 where text belongs; put it in quotes: "502"',
            id="a number that lost its quotes",
        ),
        pytest.param(
            "endorser.yaml",
            "basis: own",
            "basis: guess",
            "endorser.yaml: wrong_moves[2].basis: there is no basis 'guess'; write one of own",
            id="a basis that is not our own",
        ),
        pytest.param(
            "endorser.yaml",
            "    basis: own\n",
            "",
            "endorser.yaml: wrong_moves[2]: needs a source or `basis: own`, and not both; "
            "write one of the two",
            id="a wrong move without source and basis",
        ),
        pytest.param(
            "outage.yaml",
            "watch:",
            "wacth:",
            "outage.yaml: wacth: no such key; did you mean watch?",
            id="a key that nobody knows",
        ),
        pytest.param(
            "outage.yaml",
            "watch:",
            "wacth:",
            "outage.yaml: watch: is missing; write this key",
            id="a key that is missing",
        ),
        pytest.param(
            "outage.yaml",
            "example:\n  zh: 骑云又崩了，登录不上，一直提示系统故障\n",
            "example:\n  zh:\n",
            "outage.yaml: example.zh: is empty where text belongs; write text",
            id="an example without a post",
        ),
        pytest.param(
            "outage.yaml",
            "  when: repeat within a year or money lost\n",
            "",
            "outage.yaml: scct: has only one of `becomes` and `when`; write both or neither",
            id="a cluster that changes, nobody says when",
        ),
        pytest.param(
            "outage.yaml",
            "id: outage\n",
            "id: outage\nid: outage\n",
            "outage.yaml: line 2: the key 'id' is written twice; mend the line",
            id="a key written twice",
        ),
        pytest.param(
            "outage.yaml",
            "weak: [退款",
            "weak: [[退款",
            "outage.yaml: line 21: expected ',' or ']', but got '<scalar>'; mend the line",
            id="no YAML",
        ),
        pytest.param(
            "defaults.yaml",
            "weight: 20",
            "weight: 25",
            "defaults.yaml: scorecard: the weights add up to 105; make them add up to 100",
            id="weights that are not a hundred",
        ),
        pytest.param(
            "defaults.yaml",
            "weight: 20",
            "weight: many",
            "defaults.yaml: scorecard[1].weight: is the text 'many'; write a whole number",
            id="a weight that is no number",
        ),
        pytest.param(
            "defaults.yaml",
            "broadcast: true",
            "broadcast: often",
            "defaults.yaml: severities[0].broadcast: is the text 'often'; write true or false",
            id="a broadcast that is neither yes nor no",
        ),
        pytest.param(
            "defaults.yaml",
            "  - {id: fade",
            "  - {id: portal",
            "defaults.yaml: stages: lacks fade; write all of them",
            id="a stage that is missing",
        ),
        pytest.param(
            "defaults.yaml",
            "    due: PT24H\n    from: the flaw is known",
            "    due: PT24H\n    when: soon\n    from: the flaw is known",
            "defaults.yaml: regulatory.ndsr10: has `due` and `when`; "
            "keep `due` for one number, `when` for words",
            id="a duty with two clocks",
        ),
        pytest.param(
            "defaults.yaml",
            "pages: [duty_officer, account_lead",
            "pages: [account_lead, account_lead",
            "defaults.yaml: severities[0].pages[1]: 'account_lead' stands in this list already; "
            "remove one of the two",
            id="a role that is paged twice",
        ),
        pytest.param(
            "defaults.yaml",
            "close_when:\n",
            "close_when: soon\nother:\n",
            "defaults.yaml: close_when: is the text 'soon'; write a list, `- ` before each entry",
            id="words where a list belongs",
        ),
        pytest.param(
            "defaults.yaml",
            "scct:\n",
            "scct: none\nother:\n",
            "defaults.yaml: scct: is the text 'none'; write at least one `key: value`",
            id="words where a mapping belongs",
        ),
    ],
)
def test_a_fault_is_said_with_file_path_reason_and_mend(
    folder: Path, name: str, old: str, new: str, said: str
) -> None:
    spoil(folder, name, old, new)

    assert f"- {said}" in faults(folder)


def test_a_missing_type_is_said(folder: Path) -> None:
    (folder / "outage.yaml").unlink()

    assert faults(folder) == ["- books: holds 13 crisis types, not 14; restore the missing files"]


def test_a_file_that_is_no_mapping_is_said(folder: Path) -> None:
    (folder / "outage.yaml").write_text("- id: outage\n")

    assert "- outage.yaml: is a list; write the keys " in "\n".join(faults(folder))


def test_a_file_in_another_encoding_is_said(folder: Path) -> None:
    (folder / "outage.yaml").write_bytes("id: 宕机".encode("gb18030"))

    assert "- outage.yaml: cannot be read (it is no UTF-8); mend the file" in faults(folder)


def test_without_defaults_the_start_is_refused(folder: Path) -> None:
    (folder / "defaults.yaml").unlink()

    said = faults(folder)

    assert said[0].startswith("- defaults.yaml: cannot be read (")


def test_all_faults_of_all_files_are_said_at_once_and_each_once(folder: Path) -> None:
    spoil(folder, "outage.yaml", "due: PT20M", "due: soon")
    spoil(folder, "rumour.yaml", "owner: monitor", "owner: nobody")
    spoil(folder, "defaults.yaml", "weight: 20", "weight: 21")

    said = faults(folder)

    assert len(said) == 3
    assert len(set(said)) == 3


# ------------------------------------------------------------------------------- the agency's own
def with_file(folder: Path, name: str, text: str) -> Path:
    own = folder.parent / "own"
    own.mkdir(exist_ok=True)
    (own / name).write_text(text, "utf-8")
    return own


def test_an_agency_replaces_the_keys_it_names_and_keeps_the_rest(folder: Path) -> None:
    own = with_file(folder, "ours.yaml", "id: outage\ndefault_severity: S2\n")

    books = load(folder, own)

    assert books.types["outage"].severity is Severity.S2
    assert books.types["outage"].steps == BOOKS.types["outage"].steps
    assert list(books.types) == list(BOOKS.types)


def test_an_agency_changes_the_defaults(folder: Path) -> None:
    own = with_file(folder, "defaults.yaml", "close_when: [All is well]\n")

    assert load(folder, own).close_when == ("All is well",)


def test_an_agency_adds_a_type(folder: Path) -> None:
    text = (folder / "outage.yaml").read_text("utf-8")
    text = text.replace("id: outage", "id: strike").replace("- id: o", "- id: x")
    own = with_file(folder, "strike.yaml", text)

    assert "strike" in load(folder, own).types


def test_a_fault_in_the_agencys_file_names_that_file(folder: Path) -> None:
    own = with_file(folder, "ours.yaml", "id: outage\ndefault_severity: high\n")

    assert faults(folder, own) == [
        "- ours.yaml: default_severity: there is no severity 'high'; write one of S1, S2, S3, S4"
    ]


def test_a_file_of_the_agency_that_is_no_yaml_is_said(folder: Path) -> None:
    own = with_file(folder, "ours.yaml", "id: [outage\n")

    assert [fault.split(":")[0] for fault in faults(folder, own)] == ["- ours.yaml"]


def test_a_mistyped_id_is_no_new_type(folder: Path) -> None:
    own = with_file(folder, "ours.yaml", "id: outrage\ndefault_severity: S1\n")

    assert "- ours.yaml: a new type lacks name, scct, " in faults(folder, own)[0]
    assert "did you mean outage?" in faults(folder, own)[0]


def test_two_files_of_the_agency_for_one_type_are_refused(folder: Path) -> None:
    own = with_file(folder, "a.yaml", "id: outage\n")
    with_file(folder, "b.yaml", "id: outage\n")

    assert faults(folder, own) == [
        "- b.yaml: id: a.yaml has the id 'outage' too; put both into one file"
    ]


def test_a_folder_that_is_not_there_is_said(folder: Path) -> None:
    assert faults(folder, folder.parent / "nowhere") == [
        "- nowhere: is no folder; create it or leave it out"
    ]


# --------------------------------------------------------------------------------- what people edit
def test_every_source_that_is_listed_is_used() -> None:
    said = [move.source for book in BOOKS.types.values() for move in book.wrong_moves]
    said += [row.source for row in (*BOOKS.weibo_do, *BOOKS.weibo_dont)]
    said += [row.source for row in BOOKS.holding_statement.must_have]
    said += [clock.source for clock in BOOKS.clocks.values()]
    said += [stage.source for stage in BOOKS.stages.values()]
    said += [dimension.source for dimension in BOOKS.scorecard]
    said += [duty.source for duty in BOOKS.duties.values()]
    named_in_words = {"S10", "S41"}  # the clusters, the approvals

    assert set(BOOKS.sources) - set(said) == named_in_words


# ---------------------------------------------------------------------------------- their examples
@pytest.mark.parametrize("type_id", BOOKS.types)
def test_a_playbook_is_chosen_for_its_own_example(type_id: str) -> None:
    hits = RISK.types(BOOKS.types[type_id].example, Tone.NEGATIVE)

    assert hits[0].type == type_id


@pytest.mark.parametrize("type_id", BOOKS.types)
def test_an_example_is_chosen_even_where_the_tone_is_not_clear(type_id: str) -> None:
    hits = RISK.types(BOOKS.types[type_id].example, Tone.UNSURE)

    assert hits[0].type == type_id
