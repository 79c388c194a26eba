"""`fenghuo sources`, as a person meets it: the list, setting up, testing, removing."""

import io
import json
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from bot import enrol
from tests.bot.conftest import Answer, Ask
from watchers.errors import BadSetting
from watchers.sources import SOURCES
from watchers.systems import SYSTEMS

Type = Callable[..., None]
TOKEN = "wb_demo-secret"
FEED = (
    '<rss version="2.0"><channel><title>a</title><link>https://a.example</link><item><title>奥岚</title>'
    "<guid>1</guid><pubDate>Tue, 10 Mar 2026 19:00:00 +0800</pubDate></item></channel></rss>"
)


@pytest.fixture
def server() -> Iterator[HTTPServer]:
    with HTTPServer(host="127.0.0.1") as made:
        yield made


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Type:
    """Have a person type LINES when asked; nothing after them."""

    def lines(*said: str) -> None:
        monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in said)))

    return lines


def gateway(server: HTTPServer, actions: tuple[str, ...] = ("statuses/limited",)) -> str:
    """Let SERVER answer as Weibo's gateway does; return its address."""
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    rows = [{"group": "search", "action": a, "access": "available"} for a in actions]
    server.expect_request("/cli/api/cli/whoami", headers=bearer).respond_with_json(
        {"uid": "1", "developer_verified": True}
    )
    server.expect_request("/cli/api/cli/commands", headers=bearer).respond_with_json(
        {"commands": rows}
    )
    return server.url_for("").rstrip("/")


def audit(ask: Ask) -> list[dict[str, object]]:
    """Return the audit log's rows about sources."""
    rows = ask("export").rows
    return [r["row"] for r in rows if r["table"] == "audit" and "source" in r["row"]["what"]]


# ------------------------------------------------------------------------------------------ list
def test_the_list_shows_every_source_with_its_cost_and_how_to_set_it_up(ask: Ask) -> None:
    told = ask("sources").out
    for row in SOURCES.values():
        assert f"{row.title}: not set up; fenghuo sources add {row.name}" in told
        assert row.cost in told
    assert "Tencent microblog 腾讯微博: closed 28 September 2020 → Tencent's open web" in told
    assert "Sohu microblog 搜狐微博: closed; the day is not known → sohu.com" in told
    assert "NetEase microblog 网易微博: closed 5 November 2014 → 163.com" in told
    assert "Twitter 推特 → X" in told


def test_what_is_set_up_stands_first_and_feeds_its_systems(ask: Ask) -> None:
    told = ask("sources", "list", FEED_URLS="https://a.example/f.xml").out
    assert told.startswith("· News feeds: set up, not asked yet")
    assert "newspapers and TV 报纸、电视: through feed" in told
    data = ask("sources", "--json", FEED_URLS="https://a.example/f.xml").json
    assert [r["name"] for r in data["sources"] if r["set_up"]] == ["feed"]
    assert data["systems"][1]["closed"] == "28 September 2020"


def test_the_list_says_what_was_asked_what_is_left_and_how_soon_posts_are_seen(
    ask: Ask, server: HTTPServer, tmp_path: Path
) -> None:
    server.expect_request("/f.xml").respond_with_data(FEED, content_type="application/rss+xml")
    given = {"FEED_URLS": server.url_for("/f.xml")}
    file = tmp_path / "clients.toml"
    file.write_text('[[client]]\nid = "aulane"\nname = "Aulane"\nnames = ["奥岚"]\n')
    assert ask("clients", "import", file, **given).code == 0
    assert ask("check", "Aulane", **given).code == 0
    told = ask("sources", **given).out
    assert "✓ News feeds: fine · asked 0 min ago · 1 requests today" in told
    assert "posts are seen after about: Aulane" in told
    (row,) = [r for r in ask("sources", "--json", **given).json["sources"] if r["set_up"]]
    assert (row["requests_today"], row["expected_delay"][0][0]) == (1, "Aulane")


def test_every_system_of_the_article_has_sources_and_every_closed_one_a_successor() -> None:
    assert len(SYSTEMS) == 12
    for system in SYSTEMS:
        assert set(system.sources) <= SOURCES.keys()
        assert system.sources
        assert system.successor or not system.closed


# ------------------------------------------------------------------------------------------- add
def test_a_person_sets_weibo_up(ask: Ask, server: HTTPServer, typed: Type, tmp_path: Path) -> None:
    ask.settings["WEIBO_BASE_URL"] = gateway(server)
    typed("y", "", TOKEN, "own-brand", "n")
    told = ask("sources", "add", "weibo")
    assert told.code == 0, told.err
    assert "developer agreement" in told.err
    assert "Cost: Credits of the plan" in told.err
    assert "This one is needed." in told.err
    assert "Sina Weibo: ok: works" in told.err
    assert TOKEN not in told.err + told.out
    secret = tmp_path / "data" / "secrets" / "WEIBO_TOKEN"
    found = secret if secret.exists() else next(tmp_path.rglob("WEIBO_TOKEN"))
    assert found.read_text() == f"{TOKEN}\n"
    assert stat.S_IMODE(found.stat().st_mode) == 0o600
    assert stat.S_IMODE(found.parent.stat().st_mode) == 0o700
    assert ask("sources", "test", "weibo").out == "Sina Weibo: ok: works\n"
    (row,) = audit(ask)
    assert (row["what"], row["detail"]) == ("source set up", "weibo")
    assert str(row["who"]).startswith("shell")
    everything = json.dumps(ask("export").rows)
    assert TOKEN not in everything


def test_it_is_set_up_without_a_question_where_all_is_given(ask: Ask, server: HTTPServer) -> None:
    address = gateway(server)
    told = ask(
        "sources", "add", "weibo", "--yes", "--reason", "our own brand",
        "--set", f"WEIBO_BASE_URL={address}", "--set", "WEIBO_TOKEN=env:WEIBO_TOKEN_OF_OURS",
        WEIBO_TOKEN_OF_OURS=TOKEN,
    )  # fmt: skip
    assert told.code == 0, told.err
    assert audit(ask)[0]["detail"] == "weibo: our own brand"
    assert ask("sources", "test", "weibo", WEIBO_TOKEN_OF_OURS=TOKEN).code == 0
    gone = ask("sources", "test", "weibo")
    assert gone.code == 1
    assert "WEIBO_TOKEN_OF_OURS is not in the environment" in gone.out


def test_what_does_not_work_is_not_kept(
    ask: Ask, server: HTTPServer, typed: Type, tmp_path: Path
) -> None:
    ask.settings["WEIBO_BASE_URL"] = gateway(server, actions=())
    told = ask("sources", "add", "weibo", "--yes", "--set", f"WEIBO_TOKEN={TOKEN}")
    assert told.code == 1
    assert "plan_required: the plan does not include search" in told.err
    assert "Nothing was changed." in told.err
    assert list(tmp_path.rglob("WEIBO_TOKEN")) == []
    assert audit(ask) == []
    typed("n")
    assert ask("sources", "add", "weibo").code == 1
    typed("y", TOKEN, "own-brand", "n", "y")  # kept all the same: the plan is on its way
    assert ask("sources", "add", "weibo").code == 0


def test_a_page_that_nobody_documented_wants_a_reason(ask: Ask, server: HTTPServer) -> None:
    items = [{"id": str(n), "title": f"示例{n}", "url": "https://a.example"} for n in range(20)]
    server.expect_request("/s").respond_with_json({"items": items})
    lists = f"HOTLISTS={server.url_for('/s')}"
    assert ask("sources", "add", "hotlist", "--yes", "--set", lists).code == 2
    told = ask("sources", "add", "hotlist", "--yes", "--set", lists, "--reason", "counsel agreed")
    assert told.code == 0
    assert audit(ask)[0]["detail"] == "hotlist: counsel agreed"


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (("add", "weibbo"), "did you mean weibo?"),
        (("add", "weibo", "--set", "TOKEN=1"), "give NAME=VALUE; names are WEIBO_"),
        (("add", "weibo"), "nobody answers"),
        (("remove", "weibo"), "it is not set up"),
    ],
)
def test_wrong_words_are_answered_with_the_mend(
    words: tuple[str, ...], fault: str, ask: Ask, typed: Type
) -> None:
    typed()
    told = ask("sources", *words)
    assert told.code == 2
    assert fault in told.err


def test_a_source_that_was_set_up_by_hand_is_removed_with_its_secret(
    ask: Ask, server: HTTPServer, tmp_path: Path
) -> None:
    ask.settings["WEIBO_BASE_URL"] = gateway(server)
    assert ask("sources", "add", "weibo", "--yes", "--set", f"WEIBO_TOKEN={TOKEN}").code == 0
    assert list(tmp_path.rglob("WEIBO_TOKEN"))
    told: Answer = ask("sources", "remove", "weibo", "--reason", "contract ended")
    assert told.code == 0
    assert list(tmp_path.rglob("WEIBO_TOKEN")) == []
    assert [row["what"] for row in audit(ask)] == ["source set up", "source removed"]
    assert "Sina Weibo: not set up" in ask("sources").out
    in_environment = ask("sources", "remove", "weibo", WEIBO_TOKEN="x")
    assert "take WEIBO_TOKEN, WEIBO_BASE_URL out of it" in in_environment.err


def test_the_doctor_and_the_check_know_what_was_set_up_by_hand(
    ask: Ask, server: HTTPServer
) -> None:
    server.expect_request("/f.xml").respond_with_data(FEED, content_type="application/rss+xml")
    given = f"FEED_URLS={server.url_for('/f.xml')}"
    assert ask("sources", "add", "feed", "--yes", "--set", given).code == 0
    assert "✓ News feeds: ok" in ask("doctor").out
    assert "last 24 h: 0 distinct posts" in ask("check", "奥岚").out  # a feed is set up
    assert "fenghuo sources add zhihu" in ask("doctor").out


# ------------------------------------------------------------------------------------ references
def test_references_reach_the_source_s_own_secrets_and_nothing_else(tmp_path: Path) -> None:
    folder = enrol.secrets_folder(tmp_path)
    reference = enrol.keep_secret(tmp_path, "X_TOKEN", "t")
    assert enrol.resolved("X_TOKEN", reference, {}, tmp_path) == "t"
    assert enrol.resolved("X_TOKEN", "env:X_OURS", {"X_OURS": "u"}, tmp_path) == "u"
    assert enrol.resolved("X_LANG", "zh", {}, tmp_path) == "zh"
    outside = tmp_path / "outside"
    outside.write_text("keys of the house")
    (folder / "link").symlink_to(outside)
    for reference in (
        "env:SLACK_BOT_TOKEN", "env:WEIBO_TOKEN", f"file:{outside}", "file:/etc/passwd",
        f"file:{folder}/../outside", f"file:{folder}/link", f"file:{folder}/absent",
    ):  # fmt: skip
        with pytest.raises(BadSetting):
            enrol.resolved("X_TOKEN", reference, {"SLACK_BOT_TOKEN": "xoxb-1"}, tmp_path)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("WEIBO_TOKEN", "wb_plain", "Not the secret itself"),
        ("WEIBO_TOKEN", "env:WEIBO_OURS", ""),
        ("WEIBO_TOKEN", "", ""),
        ("FEED_URLS", "https://a.example/f.xml http://127.0.0.1:8642/x", "fenghuo sources add"),
        ("FEED_URLS", "http://localhost/x", "fenghuo sources add"),
        ("FEED_URLS", "https://[::1]/x", "fenghuo sources add"),
        ("FEED_URLS", "https://a.example/f.xml#name=A", ""),
        ("FEED_URLS", "http://[", "cannot be read"),
        ("HOTLISTS", "zhihu tencent", ""),
    ],
)
def test_what_is_typed_in_slack_reaches_nothing_of_the_machine(
    name: str, value: str, words: str
) -> None:
    setting = next(s for row in SOURCES.values() for s in row.settings if s.name == name)
    fault = enrol.typed_fault(setting, value)
    assert (words in fault) if words else not fault


def test_all_references_that_lead_nowhere_are_named_at_once(tmp_path: Path) -> None:
    kept = {"X_TOKEN": "env:X_NONE", "ZHIHU_SECRET": "file:/run/secrets/none"}
    with pytest.raises(BadSetting) as raised:
        enrol.effective({}, kept, tmp_path)
    assert "X_TOKEN" in str(raised.value)
    assert "ZHIHU_SECRET" in str(raised.value)
    assert enrol.effective({"X_TOKEN": "t", "ZHIHU_SECRET": "s"}, kept, tmp_path)["X_TOKEN"] == "t"
