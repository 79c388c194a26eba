"""The client file, read with all faults at once and written so that it reads the same."""

from dataclasses import replace
from datetime import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchers.clients import changes, dump, load
from watchers.errors import BadClientFile
from watchers.model import Client, Person, Role

GOOD = """
[[client]]
id = "aulane"
name = "Aulane 奥岚"
names = ["奥岚", "Aulane"]
ambiguous = ["小岚"]
companions = ["取暖器", "暖风机"]
exclude = ["奥兰多"]
own_accounts = ["weibo:奥岚官方"]
channel = "C0123456789"
sensitivity = 0.5
sources = ["weibo", "bluesky"]

[[client.people]]
slack = "U0123456789"
role = "duty_officer"
zone = "Europe/Paris"
hours = "08:30-17:00"
days = ["mon", "sat"]
"""
LEAST = '[[client]]\nid = "a1"\nname = "A"\nnames = ["奥岚"]\n'


def test_a_good_file_is_read_whole() -> None:
    (client,) = load(GOOD, "clients.toml")
    assert client == Client(
        id="aulane",
        name="Aulane 奥岚",
        names=("奥岚", "Aulane"),
        ambiguous=("小岚",),
        companions=("取暖器", "暖风机"),
        exclude=("奥兰多",),
        own_accounts=("weibo:奥岚官方",),
        channel="C0123456789",
        sensitivity=0.5,
        sources=("weibo", "bluesky"),
        people=(
            Person(
                slack="U0123456789",
                role=Role.DUTY_OFFICER,
                zone="Europe/Paris",
                hours=(time(8, 30), time(17)),
                days=("mon", "sat"),
            ),
        ),
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param("[[client]\n", "is not TOML", id="no TOML"),
        pytest.param("", "no client in it", id="an empty file"),
        pytest.param(LEAST + 'nmaes = ["x"]\n', 'unknown key "nmaes"; did you mean "names"?', id="a slip"),
        pytest.param(LEAST.replace("a1", "A 1"), "lower case letters", id="an id with capitals"),
        pytest.param('[[client]]\nid = "a"\nname = "A"\n', "names is missing", id="no name"),
        pytest.param(LEAST + 'zone = "Asia/Nowhere"\n', "Asia/Nowhere", id="a wrong zone"),
        pytest.param(LEAST + "sensitivity = 0\n", "from 0.01 to 10", id="no sensitivity"),
        pytest.param(LEAST + 'channel = "#crisis"\n', "not its name", id="a channel's name"),
        pytest.param(LEAST + 'ambiguous = ["岚岚"]\n', "companions is missing", id="no companion"),
        pytest.param(LEAST.replace("奥岚", "岚"), "one character", id="one character"),
        pytest.param(LEAST + 'own_accounts = ["官方"]\n', "write source:name", id="no source"),
        pytest.param(LEAST + 'exclude = "x"\n', "must be a list", id="no list"),
        pytest.param(LEAST + LEAST, 'id "a1" stands twice', id="an id twice"),
        pytest.param(
            LEAST + '[[client.people]]\nslack = "U01"\nrole = "boss"\n', "one of duty_officer", id="a role"
        ),
        pytest.param(
            LEAST + '[[client.people]]\nslack = "U01"\nrole = "legal"\nhours = "9-18"\n',
            'as in "09:00-18:00"',
            id="hours",
        ),
        pytest.param(
            LEAST + '[[client.people]]\nslack = "U01"\nrole = "legal"\ndays = ["funday"]\n',
            "some of mon",
            id="days",
        ),
        pytest.param(LEAST + '[[client.people]]\nslack = "lin"\n', "role is missing", id="nobody"),
        pytest.param("client = [7]\n", "client[1] is 7; it must be a table", id="no table"),
        pytest.param('[client]\nid = "a"\n', "each begins with [[client]]", id="one bracket"),
        pytest.param(LEAST + 'people = ["lin"]\n', "people[1] is 'lin'", id="people as texts"),
        pytest.param(LEAST + "people = 7\n", "people must be tables", id="people as a number"),
        pytest.param(
            LEAST + 'exclude = ["奥岚"]\n', "names holds 奥岚, and so does exclude", id="a contradiction"
        ),
        pytest.param(LEAST.replace('"奥岚"', '"奥岚", "奥岚 "'), "holds 奥岚 twice", id="a name twice"),
        pytest.param(LEAST + 'exclude = [""]\n', "holds an empty text", id="an empty text"),
        pytest.param(LEAST + 'initials = ["al"]\n', "three letters at least", id="short initials"),
        pytest.param(LEAST + "sensitivity = nan\n", "from 0.01 to 10", id="no number at all"),
        pytest.param(LEAST + "zone = 8\n", 'zone is 8; as in "Asia/Shanghai"', id="a zone as a number"),
        pytest.param(
            LEAST + '[[client.people]]\nslack = "U01"\nrole = "legal"\nhours = "25:00-26:00"\n',
            'as in "09:00-18:00"',
            id="hours no day has",
        ),
    ],
)  # fmt: skip
def test_a_fault_names_the_place_and_the_mend(text: str, says: str) -> None:
    with pytest.raises(BadClientFile) as caught:
        load(text, "clients.toml")
    assert says in str(caught.value)
    assert "clients.toml" in str(caught.value)


def test_all_faults_are_listed_at_once() -> None:
    text = LEAST + 'zone = "x"\nsensitivity = -1\nchannel = "x"\n'
    with pytest.raises(BadClientFile) as caught:
        load(text, "clients.toml")
    assert str(caught.value).count('clients.toml: client[1] "a1"') == 3


TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=8)


def words(mark: str) -> st.SearchStrategy[tuple[str, ...]]:
    """Lists of any texts that begin and end with MARK, so that no two lists share a word."""
    word = TEXT.map(lambda text: f"{mark}{text}{mark}")
    return st.lists(word, min_size=1, max_size=3, unique=True).map(tuple)


PEOPLE = st.builds(
    Person,
    slack=st.from_regex(r"[UW][A-Z0-9]{2,20}", fullmatch=True),
    role=st.sampled_from(Role),
    zone=st.sampled_from(["Asia/Shanghai", "Europe/Paris", "UTC"]),
    hours=st.sampled_from([(time(9), time(18)), (time(22, 30), time(6)), (time(0), time(23, 59))]),
    days=st.lists(st.sampled_from(["mon", "sat", "sun"]), min_size=1, unique=True).map(tuple),
)
CLIENTS = st.builds(
    Client,
    id=st.from_regex(r"[a-z][a-z0-9_-]{0,39}", fullmatch=True),
    name=words("N").map("".join),
    names=words("n"),
    ambiguous=words("a"),
    companions=words("c"),
    exclude=words("x"),
    own_accounts=words("o").map(lambda found: tuple(f"weibo:{w}" for w in found if "\n" not in w)),
    initials=words("ii"),
    queries=words("q"),
    channel=st.none() | st.from_regex(r"[CG][A-Z0-9]{2,20}", fullmatch=True),
    zone=st.sampled_from(["Asia/Shanghai", "America/New_York"]),
    sensitivity=st.floats(0.01, 10),
    sources=words("s"),
    people=st.lists(PEOPLE, max_size=3, unique_by=lambda p: p.slack).map(tuple),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(CLIENTS, min_size=1, max_size=3, unique_by=lambda c: c.id))
def test_what_is_written_reads_the_same(clients: list[Client]) -> None:
    assert load(dump(clients), "x") == tuple(clients)


def test_people_are_written_too() -> None:
    clients = load(GOOD + LEAST, "x")
    assert load(dump(clients), "x") == clients


def test_a_client_can_do_without_the_english_line() -> None:
    text = '[[client]]\nid = "a"\nname = "A"\nnames = ["奥岚"]\ngist = false\n'
    (client,) = load(text, "clients.toml")
    assert client.gist is False
    assert load(dump((client,)), "again") == (client,)
    assert load(text.replace("gist = false\n", ""), "clients.toml")[0].gist is True
    with pytest.raises(BadClientFile, match="gist is 'no'; true or false"):
        load(text.replace("false", '"no"'), "clients.toml")


def test_a_change_of_words_is_said_in_one_line() -> None:
    old = Client(id="aulane", name="Aulane", names=("奥岚", "Aulane"), exclude=("奥兰多",))
    new = replace(old, names=("奥岚",), exclude=("奥兰多", "云雾山"), sensitivity=1.0)
    assert changes(old, new) == "names - Aulane, exclude + 云雾山, sensitivity 0.25 → 1.0"
    assert changes(None, new) == "new"
    assert changes(old, replace(old, names=("Aulane", "奥岚"))) == "names in another order"


CAMPAIGN = """
[[client]]
id = "aulane"
name = "Aulane"
names = ["奥岚"]
zone = "Europe/Paris"

[[client.campaigns]]
start = {start}
end = {end}
reason = "{reason}"
"""


def test_a_campaign_is_read_in_the_client_s_zone_and_written_so_that_it_reads_the_same() -> None:
    text = CAMPAIGN.format(
        start="2026-11-11T00:00:00", end="2026-11-12T00:00:00+08:00", reason="Double Eleven"
    )
    (client,) = load(text, "clients.toml")
    (campaign,) = client.campaigns
    assert campaign.start.isoformat() == "2026-11-11T00:00:00+01:00"
    assert campaign.end.isoformat() == "2026-11-12T00:00:00+08:00"
    assert load(dump([client]), "there")[0].campaigns == client.campaigns


@pytest.mark.parametrize(
    ("start", "end", "reason", "said"),
    [
        ("2026-11-11T00:00:00", "2026-11-10T00:00:00", "x", "must come after start"),
        ("2026-11-11T00:00:00", "2027-01-10T00:00:00", "x", "31 days later at most"),
        ('"tomorrow"', "2026-11-12T00:00:00", "x", "start is 'tomorrow'; a time as in"),
        ("2026-11-11T00:00:00", "2026-11-12T00:00:00", " ", "why it is planned"),
    ],
)
def test_a_campaign_that_cannot_be_meant_is_named(
    start: str, end: str, reason: str, said: str
) -> None:
    with pytest.raises(BadClientFile) as error:
        load(CAMPAIGN.format(start=start, end=end, reason=reason), "clients.toml")
    assert said in str(error.value)
