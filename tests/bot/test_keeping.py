"""The verbs of housekeeping, as a user meets them."""

import asyncio
import gzip
import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from aiohttp import web
from pytest_httpserver import HTTPServer

from bot.preview import SCOPES, Channel, Preview
from tests.bot.conftest import NOW, Answer, Ask
from watchers.clients import load
from watchers.model import Author, MatchKind, Mention, Post, Scored, Tone
from watchers.store import Store

Write = Callable[..., Path]
CLIENT = """
[[client]]
id = "aulane"
name = "Aulane 奥岚"
names = ["奥岚", "Aulane"]
channel = "C0ALERTS"

[[client.people]]
slack = "U0DUTY"
role = "duty_officer"
zone = "Asia/Shanghai"
"""
SECOND = """
[[client]]
id = "beiman"
name = "贝漫"
names = ["贝漫"]
"""


# -------------------------------------------------------------------------------- clients
def test_a_client_file_goes_in_and_comes_out_the_same(
    ask: Ask, write: Write, tmp_path: Path
) -> None:
    file = write("clients.toml", CLIENT + SECOND)
    taken = ask("clients", "import", file)
    assert taken.code == 0
    assert taken.out == ""
    assert "aulane: version 1" in taken.err
    given = ask("clients", "export")
    assert given.code == 0
    assert load(given.out, "there") == load(CLIENT + SECOND, "here")
    assert ask("clients", "export", tmp_path / "out.toml").out == ""
    assert (tmp_path / "out.toml").read_text(encoding="utf-8") == given.out


def test_clients_are_listed_for_people_and_for_programs(ask: Ask, write: Write) -> None:
    assert "fenghuo clients import" in ask("clients", "list").err
    ask("clients", "import", write("clients.toml", CLIENT + SECOND))
    shown = ask("clients", "list").out.splitlines()
    assert [line.split()[0] for line in shown] == ["aulane", "beiman"]
    assert "C0ALERTS" in shown[0]
    assert "no channel" in shown[1]
    found = ask("clients", "list", "--json").json
    assert [client["id"] for client in found] == ["aulane", "beiman"]
    assert found[0]["people"][0]["slack"] == "U0DUTY"


def test_a_changed_client_gets_a_new_version(ask: Ask, write: Write) -> None:
    ask("clients", "import", write("clients.toml", CLIENT))
    changed = CLIENT.replace('"Aulane"]', '"Aulane", "奥兰"]')
    assert "aulane: version 2" in ask("clients", "import", write("c2.toml", changed)).err


def test_a_client_is_removed_once(ask: Ask, write: Write) -> None:
    ask("clients", "import", write("clients.toml", CLIENT + SECOND))
    gone = ask("clients", "remove", "aulane")
    assert gone.code == 0
    assert "fenghuo purge --client aulane" in gone.err
    again = ask("clients", "remove", "aulane")
    assert again.code == 2
    assert "there is no client aulane; known are: beiman" in again.err


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param(CLIENT.replace("names", "nmaes"), 'did you mean "names"?', id="misspelt key"),
        pytest.param(CLIENT.replace("Asia/Shanghai", "Asia/Beijing"), "Asia/Beijing", id="zone"),
        pytest.param(CLIENT.replace("C0ALERTS", "#alerts"), "the channel's id", id="channel"),
        pytest.param(CLIENT + CLIENT, "stands twice", id="twice"),
        pytest.param("client = 3 3", "is not TOML", id="no TOML"),
        pytest.param(CLIENT.encode("gb18030"), "is not UTF-8", id="GB 18030"),
        pytest.param(gzip.compress(CLIENT.encode()), "is not UTF-8", id="zipped"),
    ],
)
def test_a_bad_client_file_changes_nothing_and_names_the_place(
    ask: Ask, write: Write, text: str | bytes, says: str
) -> None:
    answer = ask("clients", "import", write("clients.toml", text))
    assert answer.code == 2
    assert says in answer.err
    assert "clients.toml" in answer.err
    assert ask("clients", "list", "--json").json == []


def test_a_client_file_from_a_windows_editor_is_read(ask: Ask, write: Write) -> None:
    file = write("clients.toml", ("\ufeff" + CLIENT).replace("\n", "\r\n"))
    assert ask("clients", "import", file).code == 0


def test_an_export_that_cannot_be_written_is_bad_input(ask: Ask, tmp_path: Path) -> None:
    answer = ask("clients", "export", tmp_path / "no" / "clients.toml")
    assert answer.code == 2
    assert "cannot be written" in answer.err


# ---------------------------------------------------------------------------- export, purge
def scored(number: int, *, days: int, client: str, author: str = "u1") -> Scored:
    at = NOW - timedelta(days=days)
    return Scored(
        post=Post(
            source="weibo",
            id=str(number),
            url=f"https://weibo.example/{number}",
            text=f"奥岚，第{number}条",
            author=Author(id=author, handle=f"路人{author}"),
            created_at=at,
            retrieved_at=at,
        ),
        negative=0.9,
        tone=Tone.NEGATIVE,
        types=(),
        mentions=(Mention(client=client, term="奥岚", found="奥岚", kind=MatchKind.NAME),),
        cluster=f"weibo:{number}",
        leads=True,
    )


@pytest.fixture
def filled(ask: Ask, write: Write) -> Ask:
    """A database with two clients and four posts of two authors."""
    ask("clients", "import", write("clients.toml", CLIENT + SECOND))
    posts = [
        scored(1, days=100, client="aulane"),
        scored(2, days=1, client="aulane"),
        scored(3, days=1, client="aulane", author="u2"),
        scored(4, days=1, client="beiman"),
    ]

    async def fill() -> None:
        url = f"sqlite:///{ask.settings['FENGHUO_DATA']}/fenghuo.sqlite3"
        store = await Store.open(url, now=NOW)
        await store.record(posts, now=NOW)
        await store.close()

    asyncio.run(fill())
    return ask


def a_burst(ask: Ask) -> None:
    """Store what a hill that only looks like the name has brought, and what is usual."""

    def found(id_: str, at: float, text: str) -> Scored:
        post = Post(
            source="weibo",
            id=id_,
            url=f"https://weibo.example/{id_}",
            text=text,
            author=Author(id=f"a{id_}", handle=f"h{id_}", followers=10, verified=False),
            created_at=NOW - timedelta(minutes=at),
            retrieved_at=NOW,
        )
        mention = Mention(client="aulane", term="奥岚", found="奥岚", kind=MatchKind.NAME)
        return Scored(
            post=post, mentions=(mention,), negative=0.9, tone=Tone.NEGATIVE, types=(),
            cluster=f"weibo:{id_}", leads=True,
        )  # fmt: skip

    where = ("北门", "停车场", "观景台", "半山腰", "索道口", "东坡", "回程路上")
    moods = ("太差了再也不来", "垃圾管理气死我了", "让人崩溃", "骗子乱收费", "恶心透顶")
    posts = [
        found(f"u{n}", 60 * 12 * n + 600, f"奥岚取暖器用了{n}天，{where[n % 7]}也暖")
        for n in range(50)
    ]
    posts += [
        found(f"h{n}", 300 - n, f"{where[n % 7]}排队{n}小时，{moods[n % 5]}，奥岚坡{moods[n % 3]}")
        for n in range(60)
    ]

    async def fill() -> None:
        url = f"sqlite:///{ask.settings['FENGHUO_DATA']}/fenghuo.sqlite3"
        store = await Store.open(url, now=NOW)
        await store.record(posts, now=NOW)
        await store.close()

    asyncio.run(fill())


def test_a_change_is_tried_on_what_is_stored_before_it_is_saved(ask: Ask, write: Write) -> None:
    ask("clients", "import", write("clients.toml", CLIENT))
    a_burst(ask)
    file = write("c2.toml", CLIENT.replace("channel", 'exclude = ["奥岚坡"]\nchannel'))
    shown = ask("clients", "import", file, "--dry-run")
    assert shown.code == 0
    assert "aulane: exclude + 奥岚坡" in shown.out
    assert (
        "Tried on 110 stored posts of the last 30 days: 110 spoke of it before, 50 would now"
        in shown.out
    )
    assert "Alerts lost: 1" in shown.out
    assert "Alerts gained: 0" in shown.out
    assert "Posts lost: 60, the newest 20:" in shown.out
    assert shown.out.count("https://weibo.example/h") == 20
    assert ask("clients", "list", "--json").json[0]["version"] == 1

    refused = ask("clients", "import", file)  # nobody is there to say yes
    assert refused.code == 2
    assert "Nothing was saved" in refused.err
    assert "aulane: version 2" in ask("clients", "import", file, "--yes").err

    again = ask("backtest", "--stored", 30, "--client", file, "--json")
    assert again.json["matched"] == 50
    assert again.json["incidents"] == []


def test_a_backtest_wants_recordings_or_what_is_stored(ask: Ask, write: Write) -> None:
    file = write("clients.toml", CLIENT)
    assert ask("backtest", "--client", file).code == 2
    assert "--stored" in ask("backtest", "--client", file).err
    assert ask("clients", "import", file, "--dry-run").err.startswith("Nothing to try")


def posts_of(answer: Answer) -> list[str]:
    return [row["row"]["post_id"] for row in answer.rows if row["table"] == "posts"]


def test_everything_comes_out_as_json_lines(filled: Ask) -> None:
    answer = filled("export")
    assert answer.code == 0
    assert answer.err == ""
    assert all(set(row) == {"table", "row"} for row in answer.rows)
    assert posts_of(answer) == ["1", "2", "3", "4"]
    assert "路人" not in answer.out


def test_a_client_gets_its_own_posts(filled: Ask) -> None:
    assert posts_of(filled("export", "--client", "beiman")) == ["4"]
    unknown = filled("export", "--client", "beimen")
    assert unknown.code == 2
    assert unknown.out == ""
    assert "known are: aulane, beiman" in unknown.err


def test_old_posts_are_deleted(filled: Ask) -> None:
    answer = filled("purge", "--days", 90)
    assert (answer.code, answer.out) == (0, "")
    assert "1 posts" in answer.err
    assert posts_of(filled("export")) == ["2", "3", "4"]
    again = filled("purge", "--days", 90, "--json")
    assert (again.code, again.json["posts"]) == (0, 0)


def test_a_removed_client_s_data_is_there_until_it_is_purged(filled: Ask) -> None:
    filled("clients", "remove", "aulane")
    assert posts_of(filled("export", "--client", "aulane")) == ["1", "2", "3"]
    assert filled("purge", "--client", "aulane", "--json").json["posts"] == 3
    assert posts_of(filled("export")) == ["4"]
    unknown = filled("purge", "--client", "aulan")
    assert unknown.code == 2
    assert "there is no client aulan; known are: beiman" in unknown.err


def test_who_objects_is_deleted(filled: Ask) -> None:
    answer = filled("purge", "--author", "weibo:u1", "--json")
    assert (answer.code, answer.json) == (0, {"posts": 3})
    assert posts_of(filled("export")) == ["3"]
    assert "1 posts deleted" in filled("purge", "--author", "weibo:路人u2").err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        pytest.param([], "say what to delete", id="nothing"),
        pytest.param(["--days", "-1"], "--days", id="days to come"),
        pytest.param(["--days", "9999999999"], "--days", id="more than a calendar holds"),
        pytest.param(["--author", "u1"], "give SOURCE:ID", id="an author without source"),
        pytest.param(["--author", "wiebo:u1"], "sources are weibo", id="an unknown source"),
        pytest.param(["--author", "weibo:u1", "--days", "3"], "leave out", id="two things"),
        pytest.param(["--author", "weibo:u1", "--client", "aulane"], "leave out", id="two others"),
    ],
)
def test_an_unclear_purge_deletes_nothing(filled: Ask, words: list[str], says: str) -> None:
    answer = filled("purge", *words)
    assert answer.code == 2
    assert says in answer.err
    assert len(posts_of(filled("export"))) == 4


# -------------------------------------------------------------------------------- database
@pytest.mark.parametrize("verb", [["clients", "list"], ["export"], ["check", "奥岚"], ["run"]])
def test_a_newer_database_is_left_alone(filled: Ask, verb: list[str]) -> None:
    path = Path(filled.settings["FENGHUO_DATA"]) / "fenghuo.sqlite3"
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("update alembic_version set version_num = '9999'")
    answer = filled(*verb)
    assert answer.code == 1
    assert answer.out == ""
    assert "written by a newer Fenghuo" in answer.err
    assert "install the newer Fenghuo again" in answer.err


@pytest.mark.parametrize("verb", [["clients", "list"], ["purge", "--days", "9"], ["check", "x"]])
def test_a_data_folder_that_cannot_be_is_named(ask: Ask, write: Write, verb: list[str]) -> None:
    folder = write("file", "no folder") / "data"
    answer = ask(*verb, FENGHUO_DATA=folder)
    assert answer.code == 2
    assert f"FENGHUO_DATA: {folder}" in answer.err
    assert "may be written to" in answer.err


def test_a_database_that_is_none_is_named(ask: Ask, write: Write) -> None:
    file = write("posts.txt", "no database at all, but long enough to be looked at " * 40)
    for url in (f"sqlite:///{file}", "mysql://u:hush@h/d", "nonsense"):
        answer = ask("clients", "list", FENGHUO_DATABASE_URL=url)
        assert answer.code in (1, 2)
        assert "The database cannot be used." in answer.err
        assert "hush" not in answer.err


@pytest.mark.parametrize("verb", [["run"], ["check", "x"], ["clients", "list"], ["export"]])
def test_wrong_settings_are_listed_before_anything_runs(ask: Ask, verb: list[str]) -> None:
    answer = ask(*verb, SLACK_BOT_TOKEN="xapp-hush", FENGHUO_RETENTION_DAYS="never")
    assert answer.code == 2
    assert "SLACK_BOT_TOKEN is an app token, but a bot token" in answer.err
    assert "FENGHUO_RETENTION_DAYS" in answer.err
    assert "hush" not in answer.err
    assert not Path(ask.settings["FENGHUO_DATA"]).exists()


# --------------------------------------------------------------------------------- doctor
@dataclass
class Office:
    """A Slack of our own beside the test, in a thread with its own loop."""

    preview: Preview
    loop: asyncio.AbstractEventLoop

    def settings(self, **more: object) -> dict[str, object]:
        return {
            "SLACK_API_URL": self.preview.api_url,
            "SLACK_BOT_TOKEN": self.preview.bot_token,
            "SLACK_APP_TOKEN": self.preview.app_token,
        } | more


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """A loop that runs beside the test."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield loop
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


Open = Callable[..., Office]


@pytest.fixture
def slack(loop: asyncio.AbstractEventLoop) -> Iterator[Open]:
    opened: list[Preview] = []

    def started(*, scopes: tuple[str, ...] = SCOPES, ahead: int = 0) -> Office:
        async def start() -> Preview:
            rooms = [
                Channel(id="C0ALERTS", name="alerts", joined=True),
                Channel(id="C0OTHER", name="other"),
                Channel(id="C0OLD", name="old", joined=True, archived=True),
            ]
            preview = Preview(
                channels=rooms, now=lambda: NOW + timedelta(seconds=ahead), scopes=scopes
            )
            await preview.start()
            return preview

        preview = asyncio.run_coroutine_threadsafe(start(), loop).result(20)
        opened.append(preview)
        return Office(preview, loop)

    yield started
    for preview in opened:
        asyncio.run_coroutine_threadsafe(preview.stop(), loop).result(20)


def findings(answer: Answer) -> dict[str, dict[str, object]]:
    found = {row["what"]: row for row in answer.json}
    assert all(set(row) == {"what", "ok", "detail", "mend"} for row in found.values())
    assert answer.code == (0 if all(row["ok"] for row in found.values()) else 1)
    return found


def test_without_anything_the_doctor_says_what_to_do_first(ask: Ask) -> None:
    found = findings(ask("doctor", "--json"))
    assert found["Slack"]["ok"]
    assert "SLACK_BOT_TOKEN" in str(found["Slack"]["detail"])
    assert found["database"]["ok"]
    assert "fenghuo clients import" in str(found["clients"]["mend"])
    assert "FEED_URLS" in str(found["sources"]["mend"])
    answer = ask("doctor")
    assert answer.code == 1
    assert "✗ clients: none\n    → fenghuo clients import" in answer.out
    assert "✓ tone model: version" in answer.out


@pytest.mark.parametrize(
    ("status", "text", "told"),
    [
        (200, "The weather is fine today, let us go to the park.", "answers"),
        (200, "See http://evil.example for 99 offers", "refused: it holds a link"),
        (403, "", "answered 403"),
    ],
)
def test_the_doctor_tries_the_translation(
    ask: Ask, httpserver: HTTPServer, status: int, text: str, told: str
) -> None:
    answer = {"translations": [{"text": text}]}
    httpserver.expect_request("/v2/translate").respond_with_json(answer, status)
    given = {
        "FENGHUO_TRANSLATE": "deepl",
        "FENGHUO_TRANSLATE_KEY": "k",
        "FENGHUO_TRANSLATE_URL": httpserver.url_for("").rstrip("/"),
    }
    row = findings(ask("doctor", "--json", **given))["translation by DeepL"]
    assert told in str(row["detail"])
    assert row["ok"] == (told == "answers")


def test_in_order_everything_is_told_so(ask: Ask, write: Write, slack: Open) -> None:
    ask("clients", "import", write("clients.toml", CLIENT))
    found = findings(ask("doctor", "--json", **slack().settings()))
    assert found["Slack"]["detail"] == "connected to Fenghuo preview"
    assert found["scopes"]["ok"]
    assert found["app token"]["ok"]
    assert found["channel C0ALERTS (aulane)"]["detail"] == "in #alerts"
    assert [what for what, row in found.items() if not row["ok"]] == ["sources"]


@pytest.mark.parametrize(
    ("channel", "told"),
    [
        ("C0NONE", (False, "channel_not_found", "correct the id")),
        ("C0OTHER", (True, "not in it", "/invite @Fenghuo")),
        ("C0OLD", (False, "archived", "name another channel")),
    ],
)
def test_a_channel_that_will_not_do_is_named(
    ask: Ask, write: Write, slack: Open, channel: str, told: tuple[bool, str, str]
) -> None:
    ask("clients", "import", write("clients.toml", CLIENT.replace("C0ALERTS", channel)))
    found = findings(ask("doctor", "--json", **slack().settings()))
    row = found[f"channel {channel} (aulane)"]
    ok, detail, mend = told
    assert (row["ok"], row["detail"]) == (ok, detail)
    assert mend in str(row["mend"])


def test_a_missing_scope_is_named(ask: Ask, slack: Open) -> None:
    scopes = tuple(s for s in SCOPES if s not in ("files:write", "groups:history"))
    row = findings(ask("doctor", "--json", **slack(scopes=scopes).settings()))["scopes"]
    assert not row["ok"]
    assert row["detail"] == "missing files:write, groups:history"
    assert "manifest.yml" in str(row["mend"])


def test_a_clock_that_goes_wrong_is_named(ask: Ask, slack: Open) -> None:
    assert findings(ask("doctor", "--json", **slack(ahead=30).settings()))["clock"]["ok"]
    row = findings(ask("doctor", "--json", **slack(ahead=600).settings()))["clock"]
    assert (row["ok"], row["detail"]) == (False, "600 s off Slack's")
    assert "NTP" in str(row["mend"])


def test_the_operators_channel_is_looked_at_too(ask: Ask, slack: Open) -> None:
    settings = slack().settings(FENGHUO_OPERATORS_CHANNEL="C0NONE")
    assert not findings(ask("doctor", "--json", **settings))["channel C0NONE (operators)"]["ok"]


def test_a_token_that_slack_refuses_is_named_and_not_shown(ask: Ask, slack: Open) -> None:
    office = slack()
    bot = ask("doctor", "--json", **office.settings(SLACK_BOT_TOKEN="xoxb-hush"))
    assert "invalid_auth" in str(findings(bot)["Slack"]["detail"])
    app = ask("doctor", "--json", **office.settings(SLACK_APP_TOKEN="xapp-hush"))
    row = findings(app)["app token"]
    assert not row["ok"]
    assert "connections:write" in str(row["mend"])
    assert "hush" not in bot.out + bot.err + app.out + app.err


def test_a_client_without_channel_or_people_is_named(ask: Ask, write: Write) -> None:
    ask("clients", "import", write("clients.toml", SECOND))
    row = findings(ask("doctor", "--json"))["client beiman"]
    assert not row["ok"]
    assert "no channel" in str(row["detail"])
    assert "no people" in str(row["detail"])


def test_broken_files_and_folders_are_each_found(ask: Ask, write: Write, tmp_path: Path) -> None:
    write("mine.yaml", "id: mine\nterms: [unclosed\n")
    model = write("model.npz", b"no model")
    answer = ask(
        "doctor", "--json", FENGHUO_PLAYBOOKS=tmp_path, FENGHUO_MODEL=model,
        FENGHUO_DATA=model / "data",
    )  # fmt: skip
    found = findings(answer)
    for what, place in (
        ("playbooks", "mine.yaml"), ("tone model", "model.npz"), ("database", "FENGHUO_DATA"),
    ):  # fmt: skip
        assert not found[what]["ok"]
        assert place in str(found[what]["detail"])
        assert found[what]["mend"]


def test_wrong_settings_are_a_finding(ask: Ask) -> None:
    found = findings(ask("doctor", "--json", SLACK_BOT_TOKEN="xoxp-hush"))
    assert "is a user token" in str(found["settings"]["detail"])
    assert "hush" not in json.dumps(found)


def test_a_slack_that_is_not_there_is_named(ask: Ask, slack: Open) -> None:
    settings = slack().settings(SLACK_API_URL="http://127.0.0.1:9/api/")
    row = findings(ask("doctor", "--json", **settings))["Slack"]
    assert not row["ok"]
    assert "SLACK_API_URL" in str(row["mend"])
    ran = ask("run", **settings)
    assert ran.code == 1
    assert "Slack cannot be reached" in ran.err


def test_a_run_ends_at_once_where_slack_refuses_a_token(ask: Ask, slack: Open) -> None:
    office = slack()
    for name, token in (("SLACK_BOT_TOKEN", "xoxb-hush"), ("SLACK_APP_TOKEN", "xapp-hush")):
        answer = ask("run", **office.settings(**{name: token}))
        assert answer.code == 2
        assert f"Slack refuses {name} (invalid_auth)" in answer.err
        assert "hush" not in answer.err


def test_a_port_of_http_mode_that_is_taken_is_named(ask: Ask, slack: Open) -> None:
    office = slack()
    port = urlsplit(office.preview.api_url).port
    http = {"SLACK_APP_TOKEN": "", "SLACK_SIGNING_SECRET": "s", "SLACK_HTTP_PORT": port}
    answer = ask("run", **office.settings(**http))
    assert answer.code == 2
    assert f"SLACK_HTTP_PORT: port {port}" in answer.err


def test_somebody_else_s_server_is_no_slack(
    ask: Ask, slack: Open, loop: asyncio.AbstractEventLoop
) -> None:
    async def page(_: web.Request) -> web.Response:
        return web.Response(text="<html>sign in to this network</html>", content_type="text/html")

    async def start() -> tuple[web.AppRunner, str]:
        app = web.Application()
        app.router.add_route("*", "/{any:.*}", page)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return runner, f"http://127.0.0.1:{runner.addresses[0][1]}/api/"

    runner, url = asyncio.run_coroutine_threadsafe(start(), loop).result(20)
    try:
        answer = ask("doctor", "--json", **slack().settings(SLACK_API_URL=url))
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(20)
    assert not findings(answer)["Slack"]["ok"]
