"""The client file, read with all faults at once and written so that it reads the same."""

from datetime import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchers.clients import dump, load
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


WORD = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=2, max_size=8).map(
    str.strip
)


@given(
    st.lists(WORD.filter(lambda w: len(w) > 1), min_size=1, max_size=4, unique=True),
    st.floats(0.01, 10),
)
def test_what_is_written_reads_the_same(names: list[str], sensitivity: float) -> None:
    client = Client(id="a", name="A", names=tuple(names), sensitivity=sensitivity)
    assert load(dump([client]), "x") == (client,)


def test_people_are_written_too() -> None:
    clients = load(GOOD + LEAST, "x")
    assert load(dump(clients), "x") == clients
