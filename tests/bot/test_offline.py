"""The verbs without Slack and network, as a user meets them."""

import asyncio
import gzip
import io
import json
import re
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.bot.conftest import NOW, Ask
from watchers.model import Author, MatchKind, Mention, Post, Scored, Tone
from watchers.store import Store

Write = Callable[..., Path]
START = datetime(2026, 3, 9, 0, 0, tzinfo=UTC)
CLIENT = """
[[client]]
id = "aulane"
name = "Aulane 奥岚"
names = ["奥岚", "Aulane"]
ambiguous = ["小岚"]
companions = ["取暖器"]
own_accounts = ["weibo:奥岚官方"]
"""
SECOND = """
[[client]]
id = "beiman"
name = "贝漫"
names = ["贝漫"]
"""
BAD_POST = "奥岚取暖器半夜起火，把沙发烧了，客服还推卸责任，太可怕了"


def lines(*rows: object) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def post(number: int, at: datetime, text: str = BAD_POST) -> dict[str, object]:
    return {
        "id": str(number),
        "platform": "weibo",
        "created_at": at.isoformat(),
        "text": text,
        "user": {"id": f"u{number}", "name": f"路人{number}", "followers": 100, "verified": False},
        "reposts": 1,
        "comments": 2,
        "likes": 3,
        "url": f"https://weibo.example/{number}",
        "keyword": "奥岚",
    }


WHERE = ("昨晚卧室里", "我妈家客厅", "公司宿舍", "刚才厨房", "凌晨两点书房", "孩子房间")
WHAT = ("突然起火", "冒烟还漏电", "烧穿了地板", "爆炸了一声巨响", "把窗帘引燃")
THEN = ("客服却推卸责任，气死了", "吓得全家跑下楼，太可怕", "投诉三天没人理，垃圾", "大家千万别买")


def crisis() -> list[dict[str, object]]:
    """Two quiet days, a post every two hours; then sixty bad posts in half an hour."""
    calm = ("今天路过奥岚的门店", "奥岚的杯子挺好看", "收到奥岚的快递了", "请问奥岚几点关门")
    quiet = [
        post(n, START + timedelta(hours=2 * n), f"{calm[n % 4]}，{WHERE[n % 6]}放得下")
        for n in range(24)
    ]
    loud = [
        post(
            100 + n,
            START + timedelta(hours=48, seconds=30 * n),
            f"{WHERE[n % 6]}，奥岚取暖器{WHAT[n % 5]}，{THEN[n % 4]}！",
        )
        for n in range(60)
    ]
    return quiet + loud


# ---------------------------------------------------------------------------------- score
def test_every_post_is_scored_in_the_order_of_the_file(ask: Ask, write: Write) -> None:
    file = write("posts.jsonl", lines(*({"id": f"p{n}", "text": f"第{n}条"} for n in range(1200))))
    answer = ask("score", file, "--json")
    assert answer.code == 0
    assert [row["id"] for row in answer.rows] == [f"p{n}" for n in range(1200)]
    assert answer.err == ""


def test_a_score_says_tone_types_with_their_terms_and_the_clients_meant(
    ask: Ask, write: Write
) -> None:
    file = write("posts.jsonl", lines({"id": 7, "text": BAD_POST}, {"text": "阳光真好，开心"}))
    found = ask("score", file, "--client", write("c.toml", CLIENT), "--json").rows
    assert [set(row) for row in found] == [{"id", "negative", "tone", "types", "mentions"}] * 2
    bad, good = found
    assert bad["id"] == "7"
    assert bad["tone"] == "negative"
    assert 0 <= good["negative"] < bad["negative"] <= 1
    assert all(hit["type"] and hit["terms"] for hit in bad["types"])
    assert bad["types"]
    assert bad["mentions"] == [{"client": "aulane", "term": "奥岚", "kind": "name"}]
    assert good["mentions"] == []


def test_the_quoted_text_and_the_own_voice_are_told_apart(ask: Ask, write: Write) -> None:
    own = {"text": "奥岚新品上市", "platform": "weibo", "user": {"name": "奥岚官方"}}
    file = write("posts.jsonl", lines(own, {"text": "真的吗", "quoted": "奥岚新品上市"}))
    found = ask("score", file, "--client", write("c.toml", CLIENT), "--json").rows
    assert [len(row["mentions"]) for row in found] == [0, 1]


def test_posts_are_told_in_english_where_it_is_asked_for(ask: Ask, write: Write) -> None:
    file = write("posts.jsonl", lines({"text": "奥岚不退款"}, {"text": "no refund from Aulane"}))
    client = write("c.toml", CLIENT)
    rows = ask("score", file, "--client", client, "--gist", "--json").rows
    assert [row["gist"] for row in rows] == ["Aulane does not refund", None]
    told = ask("score", file, "--client", client, "--gist").out
    assert told.count("gist (machine): Aulane does not refund") == 1
    assert "gist" not in ask("score", file, "--client", client).out


def test_without_json_each_post_is_one_line_for_people(ask: Ask, write: Write) -> None:
    file = write("posts.jsonl", lines({"text": BAD_POST}, {"text": "两行\n文字"}))
    answer = ask("score", file, "--client", write("c.toml", CLIENT))
    assert len(answer.out.splitlines()) == 2
    assert "aulane: 奥岚" in answer.out.splitlines()[0]


def test_lines_that_cannot_be_read_are_named_and_the_rest_is_scored(ask: Ask, write: Write) -> None:
    deep = "[" * 100_000
    good, other = lines({"text": "好"}), lines({"id": 0, "text": "坏"})
    file = write(
        "posts.jsonl", f'{good}not json\n\n{{"id": 3}}\n[1]\n{deep}\n{{"text": 5}}\n{other}'
    )
    answer = ask("score", file, "--json")
    assert answer.code == 2
    assert [row["id"] for row in answer.rows] == ["1", "0"]
    for number in (2, 4, 5, 6, 7):
        assert f"{file}, line {number}: " in answer.err
    assert "5 lines could not be read; the others were scored" in answer.err


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="an empty text"),
        pytest.param("   \n", id="white space"),
        pytest.param("奥" * 20_000, id="twenty thousand characters"),
        pytest.param("坏 " * 100_000, id="more than anybody posts"),
        pytest.param("The weather is nice today", id="not Chinese"),
        pytest.param("👍👍👍", id="pictures only"),
        pytest.param("\ud800 半个字", id="half a character"),
        pytest.param("\x00\x1b[31m", id="control characters"),
    ],
)
@pytest.mark.parametrize("flags", [["--json"], []], ids=["json", "plain"])
def test_whatever_was_posted_gets_a_score(
    ask: Ask, write: Write, text: str, flags: Sequence[str]
) -> None:
    file = write("posts.jsonl", json.dumps({"text": text}) + "\n")
    answer = ask("score", file, "--client", write("c.toml", CLIENT), *flags)
    assert answer.code == 0
    assert len(answer.out.splitlines()) == 1
    if flags:
        assert 0 <= answer.json["negative"] <= 1


def test_the_terminal_obeys_no_post(ask: Ask, write: Write) -> None:
    file = write("posts.jsonl", lines({"text": "\x1b[2J\x07坏"}))
    assert "\x1b" not in ask("score", file).out


def test_a_zipped_file_is_read_whatever_its_name(ask: Ask, write: Write) -> None:
    file = write("posts.data", gzip.compress(lines({"text": "好"}, {"text": "坏"}).encode()))
    assert len(ask("score", file, "--json").rows) == 2


def test_a_broken_zip_names_the_file(ask: Ask, write: Write) -> None:
    whole = gzip.compress(lines(*({"text": str(n)} for n in range(2000))).encode())
    for broken in (whole[: len(whole) // 2], whole[:40] + b"\xff" * 40 + whole[80:]):
        answer = ask("score", write("posts.gz", broken), "--json")
        assert answer.code == 2
        assert "posts.gz cannot be read" in answer.err


def test_posts_come_from_standard_input_too(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO(b"\xef\xbb\xbf" + lines({"id": "a", "text": "好"}, {"id": "b"}).encode())
    with io.TextIOWrapper(raw) as typed:
        monkeypatch.setattr(sys, "stdin", typed)
        answer = ask("score", "--json")
    assert [row["id"] for row in answer.rows] == ["a"]
    assert answer.code == 2
    assert "standard input, line 2: " in answer.err


@pytest.mark.parametrize("verb", ["score", "detect", "evaluate"])
def test_a_file_that_is_not_there_is_named(ask: Ask, tmp_path: Path, verb: str) -> None:
    for path in (tmp_path / "nowhere", tmp_path, tmp_path / ("x" * 300)):
        answer = ask(verb, path)
        assert answer.code == 2
        assert str(path) in answer.err
        assert answer.out == ""


def test_the_own_model_is_used_and_a_damaged_one_named(ask: Ask, write: Write) -> None:
    posts = write("posts.jsonl", lines({"text": "好"}))
    model = write("my.npz", b"PK\x03\x04 no model at all")
    for answer in (
        ask("score", posts, "--json", FENGHUO_MODEL=model),
        ask("score", posts, "--json", "--model", model),
        ask("evaluate", write("l.tsv", "1\t好\n-1\t坏\n"), FENGHUO_MODEL=model),
    ):
        assert answer.code == 2
        assert answer.out == ""
        assert "my.npz" in answer.err
        assert "fenghuo train" in answer.err


def test_the_own_playbooks_count_and_a_broken_one_is_named(
    ask: Ask, write: Write, tmp_path: Path
) -> None:
    write("mine.yaml", "id: mine\nterms: [unclosed\n")
    answer = ask("score", write("p.jsonl", lines({"text": "好"})), FENGHUO_PLAYBOOKS=tmp_path)
    assert answer.code == 2
    assert "mine.yaml" in answer.err


# --------------------------------------------------------------------------------- detect
def series(values: Sequence[object], head: str = "timestamp,value") -> str:
    rows = (
        f"{START + timedelta(minutes=5 * n):%Y-%m-%d %H:%M:%S},{value}"
        for n, value in enumerate(values)
    )
    return "\n".join([head, *rows]) + "\n"


def burst() -> Sequence[object]:
    return [(n * 7) % 5 for n in range(2400)] + [200, 220, 240] + [2] * 20


def test_detect_gives_a_score_for_each_row(ask: Ask, write: Write) -> None:
    answer = ask("detect", write("s.csv", series([3, 1234567, 2.5])))
    assert answer.code == 0
    head, *rows = answer.out.splitlines()
    assert head == "timestamp,value,score"
    assert [row.rsplit(",", 1)[0] for row in rows] == [
        "2026-03-09 00:00:00,3",
        "2026-03-09 00:05:00,1234567",
        "2026-03-09 00:10:00,2.5",
    ]
    assert all(float(row.split(",")[2]) >= 0 for row in rows)


def test_a_burst_is_an_alarm_with_its_reason(ask: Ask, write: Write) -> None:
    file = write("s.csv", series(burst()))
    found = ask("detect", file, "--json").json
    assert set(found) == {"series", "threshold", "alarms"}
    assert found["series"] == str(file)
    alarm = found["alarms"][-1]
    assert set(alarm) == {"timestamp", "value", "score", "usual", "why"}
    assert alarm["timestamp"] == "2026-03-17 08:00:00"
    assert alarm["value"] == 200
    assert alarm["score"] >= found["threshold"]
    assert "200 posts" in alarm["why"]


def test_a_more_sensitive_detector_has_a_lower_threshold(ask: Ask, write: Write) -> None:
    file = write("s.csv", series(burst()))
    low = ask("detect", file, "--json", "--sensitivity", 5).json["threshold"]
    assert low < ask("detect", file, "--json", "--sensitivity", 0.1).json["threshold"]


def test_a_table_from_a_spreadsheet_is_read(ask: Ask, write: Write) -> None:
    text = "\ufeff" + series([1, 2], head="value_id,timestamp,value").replace("2026", "7,2026")
    assert len(ask("detect", write("s.csv", text)).out.splitlines()) == 3


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param("", "the first line must be timestamp,value", id="nothing in it"),
        pytest.param("time,count\n1,2\n", "the first line must be timestamp,value", id="header"),
        pytest.param(series([1, "many"]), "line 3: ", id="no number"),
        pytest.param("timestamp,value\nyesterday,4\n", "line 2: ", id="no time"),
        pytest.param("timestamp,value\n2026-03-09 00:00:00\n", "line 2: ", id="half a row"),
        pytest.param(series([1]) + series([2])[16:], "line 3: ", id="time runs backwards"),
        pytest.param(b"timestamp,value\n\xff\xfe", "UTF-8", id="not UTF-8"),
    ],
)
def test_a_bad_series_is_named_with_its_line(
    ask: Ask, write: Write, text: str | bytes, says: str
) -> None:
    answer = ask("detect", write("s.csv", text), "--json")
    assert answer.code == 2
    assert says in answer.err
    assert "s.csv" in answer.err
    assert answer.out == ""


# ------------------------------------------------------------------------------- backtest
def test_a_backtest_tells_the_incident_its_alerts_and_its_reasons(ask: Ask, write: Write) -> None:
    file = write("posts.jsonl.gz", gzip.compress(lines(*crisis()).encode()))
    answer = ask("backtest", file, "--client", write("c.toml", CLIENT), "--json")
    assert answer.code == 0
    assert answer.err == ""
    found = answer.json
    assert {
        "client", "sensitivity", "recordings", "from", "to", "posts", "matched", "requests", "incidents", "alerts",
    } <= set(found)  # fmt: skip
    assert (found["client"], found["recordings"]) == ("aulane", [str(file)])
    assert (found["posts"], found["matched"], found["requests"]) == (84, 84, 0)
    assert datetime.fromisoformat(found["from"]) == START
    (incident,) = found["incidents"]
    assert set(incident) == {
        "number", "opened_at", "first_post_at", "closed_at", "severity", "stage", "type", "posts",
        "authors", "reasons", "lead", "lead_url",
    }  # fmt: skip
    opened = datetime.fromisoformat(incident["opened_at"])
    assert opened.tzinfo is not None
    burst_at = START + timedelta(hours=48)
    assert burst_at <= opened <= burst_at + timedelta(minutes=15)
    assert incident["reasons"]
    assert all(incident["reasons"])
    assert incident["lead_url"].startswith("https://weibo.example/")
    first = found["alerts"][0]
    assert set(first) == {"at", "incident", "kind", "text"}
    assert first["incident"] == incident["number"]
    assert "Aulane" in first["text"]


def test_a_backtest_reads_well_for_people(ask: Ask, write: Write) -> None:
    files = write("a.jsonl", lines(*crisis()[:30])), write("b.jsonl", lines(*crisis()[30:]))
    answer = ask("backtest", *files, "--client", write("c.toml", CLIENT))
    assert answer.code == 0
    assert answer.out.startswith("aulane: 84 posts from 2026-03-09 00:00 to 2026-03-11 00:")
    assert " UTC, 84 spoke of the client\nINC-1 2026-03-11 00:" in answer.out
    assert re.search("\n    lead: “.*奥岚.*” https://weibo.example/", answer.out)
    assert re.search(r"\n\d+ messages would have been sent\.\n$", answer.out)


def test_a_backtest_of_weeks_tells_how_often_it_would_have_spoken(ask: Ask, write: Write) -> None:
    early = crisis()[0] | {"id": "early", "created_at": f"{START - timedelta(days=12):%FT%TZ}"}
    file, client = write("p.jsonl", lines(early, *crisis())), write("c.toml", CLIENT)
    told = ask("backtest", file, "--client", client).out.splitlines()[-1]
    assert told.startswith("1 incident in 2.0 weeks, 0.50 a week; the client accepts 0.25 a week")


def test_with_a_budget_requests_are_counted(ask: Ask, write: Write) -> None:
    found = ask(
        "backtest", write("p.jsonl", lines(*crisis())), "--client", write("c.toml", CLIENT),
        "--budget", 0.5, "--page", 10, "--json",
    ).json  # fmt: skip
    assert found["requests"] > 100
    assert found["seen"] <= found["posts"] == 84


def test_a_quiet_recording_has_no_incident(ask: Ask, write: Write) -> None:
    client = write("c.toml", CLIENT)
    quiet = write("p.jsonl", lines(*crisis()[:20]))
    assert "No incident." in ask("backtest", quiet, "--client", client).out
    empty = ask("backtest", write("e.jsonl", ""), "--client", client, "--json")
    assert (empty.code, empty.json["posts"], empty.json["incidents"]) == (0, 0, [])


def test_broken_lines_of_a_recording_are_named_and_the_rest_is_replayed(
    ask: Ask, write: Write
) -> None:
    rows = lines(*crisis()).splitlines(keepends=True)
    rows[3:3] = ['{"id": 1, "created_at": "2026-03-09T00:00:00", "text": "no zone"}\n', "oops\n"]
    file = write("p.jsonl", "".join(rows))
    answer = ask("backtest", file, "--client", write("c.toml", CLIENT), "--json")
    assert answer.code == 0
    assert answer.json["posts"] == 84
    assert f"{file}:4: " in answer.err
    assert f"{file}:5: " in answer.err
    assert "2 lines" in answer.err


def test_which_client_is_meant_must_be_clear(ask: Ask, write: Write) -> None:
    file, both = write("p.jsonl", lines(*crisis()[:2])), write("c.toml", CLIENT + SECOND)
    unclear = ask("backtest", file, "--client", both)
    assert unclear.code == 2
    assert "--only (aulane, beiman)" in unclear.err
    unknown = ask("backtest", file, "--client", both, "--only", "beimen")
    assert unknown.code == 2
    assert "no client beimen" in unknown.err
    assert "beiman" in unknown.err
    chosen = ask("backtest", file, "--client", both, "--only", "beiman", "--json")
    assert (chosen.json["client"], chosen.json["matched"]) == ("beiman", 0)


@pytest.mark.parametrize("flag", [["--budget", "0"], ["--budget", "x"], ["--page", "0"]])
def test_a_budget_that_asks_nothing_is_refused(ask: Ask, write: Write, flag: Sequence[str]) -> None:
    answer = ask("backtest", write("p", ""), "--client", write("c.toml", CLIENT), *flag)
    assert answer.code == 2
    assert flag[0] in answer.err
    assert "Try: fenghuo backtest --help" in answer.err


# ------------------------------------------------------------------------- train, evaluate
GOOD_WORDS, BAD_WORDS = (
    ("喜欢", "开心", "推荐", "满意", "好看"),
    ("垃圾", "失望", "骗子", "可怕", "愤怒"),
)


def labels(count: int = 150) -> str:
    rows = []
    for n in range(count):
        rows.append(f"1\t第{n}天，{GOOD_WORDS[n % 5]}这个东西，{GOOD_WORDS[n % 3]}")
        rows.append(f"-1\t第{n}天，{BAD_WORDS[n % 5]}的东西，{BAD_WORDS[n % 3]}")
        rows.append(f"0\t第{n}天，去了门店，看了东西")
    return "\n".join(rows) + "\n"


def test_a_trained_model_scores_and_is_measured(ask: Ask, write: Write, tmp_path: Path) -> None:
    file, model = write("labels.tsv", labels()), tmp_path / "my.npz"
    trained = ask("train", file, "--anew", "-o", model)
    assert trained.code == 0, trained.err
    assert trained.out == ""
    assert f"FENGHUO_MODEL={model}" in trained.err
    assert "labels.tsv: 150 negative, 150 neutral, 150 positive" in trained.err
    before, after = after_and_before(trained.err)
    assert after >= before
    measured = ask("evaluate", file, "--json", FENGHUO_MODEL=model)
    assert measured.code == 0
    assert isinstance(measured.json, dict)
    assert measured.err == ""
    posts = write("p.jsonl", lines({"text": "垃圾，失望，骗子"}, {"text": "喜欢，开心，满意"}))
    bad, good = ask("score", posts, "--json", "--model", model).rows
    assert good["negative"] < bad["negative"]


def after_and_before(told: str) -> tuple[float, float]:
    """Return AUC of negative against everything else, before and after, as TOLD."""
    (line,) = (row for row in told.splitlines() if row.startswith("AUC, negative against every"))
    before, after = line.split()[-2:]
    return float(before), float(after)


def corrected(ask: Ask, count: int) -> None:
    """Keep COUNT posts that a person calls negative, as many positive, one unsure."""

    folder = Path(ask.settings["FENGHUO_DATA"])
    folder.mkdir(parents=True, exist_ok=True)

    async def work() -> None:
        store = await Store.open(f"sqlite:///{folder / 'fenghuo.sqlite3'}", now=NOW)
        try:
            for n in range(2 * count + 1):
                said = Tone.UNSURE if n == 2 * count else Tone.NEGATIVE if n % 2 else Tone.POSITIVE
                text = f"奥岚的壶{'会喷' if n % 2 else '不喷'}，第{n}天{'早上' * (n % 5)}"
                await store.record([scored(str(n), text)], now=NOW)
                await store.correct("weibo", str(n), said, by="U1", now=NOW)
        finally:
            await store.close()

    asyncio.run(work())


def scored(number: str, text: str) -> Scored:
    said = Post(
        source="weibo", id=number, url="", text=text, author=Author(id=f"u{number}", handle="路人"),
        created_at=NOW, retrieved_at=NOW,
    )  # fmt: skip
    mention = Mention(client="aulane", term="奥岚", found="奥岚", kind=MatchKind.NAME)
    return Scored(
        post=said, mentions=(mention,), negative=0.4, tone=Tone.UNSURE, types=(), cluster=number,
        leads=True,
    )  # fmt: skip


def test_the_team_s_corrections_are_learnt(ask: Ask, write: Write, tmp_path: Path) -> None:
    corrected(ask, 40)
    model = tmp_path / "my.npz"
    trained = ask("train", "-o", model)
    assert trained.code == 0, trained.err
    assert "corrections by the team: 40 negative, 0 neutral, 40 positive" in trained.err
    assert "1 corrections to “unsure”" in trained.err
    before, after = after_and_before(trained.err)
    assert after > before
    posts = write("p.jsonl", lines({"text": "奥岚的壶会喷"}, {"text": "奥岚的壶不喷"}))
    was, is_ = (ask("score", posts, "--json", *chosen).rows for chosen in ((), ("--model", model)))
    assert is_[0]["negative"] > was[0]["negative"]
    assert is_[0]["negative"] > 0.5 > is_[1]["negative"]


def test_corrections_may_be_left_out(ask: Ask, write: Write, tmp_path: Path) -> None:
    corrected(ask, 3)
    file, hint = write("labels.tsv", labels(60)), write("reviews.tsv", labels(30))
    model = tmp_path / "my.npz"
    trained = ask("train", file, "--hint", hint, "--files-only", "-o", model)
    assert trained.code == 0, trained.err
    assert "by the team" not in trained.err
    assert "reviews.tsv: a hint, 30 negative, 0 neutral, 30 positive" in trained.err


def test_too_few_corrections_are_refused_with_their_number(ask: Ask, tmp_path: Path) -> None:
    corrected(ask, 3)
    trained = ask("train", "-o", tmp_path / "my.npz")
    assert trained.code == 2
    assert "3 rows are labelled -1; at least 20 are needed" in trained.err
    assert not (tmp_path / "my.npz").exists()


def test_without_corrections_and_files_there_is_nothing_to_learn(ask: Ask, tmp_path: Path) -> None:
    trained = ask("train", "-o", tmp_path / "my.npz")
    assert trained.code == 2
    assert "nothing to learn from" in trained.err
    assert not Path(ask.settings["FENGHUO_DATA"], "fenghuo.sqlite3").exists()


def test_a_measured_model_may_be_drawn(ask: Ask, write: Write, tmp_path: Path) -> None:
    picture = tmp_path / "reliability.png"
    answer = ask("evaluate", write("labels.tsv", labels(20)), "--diagram", picture)
    assert answer.code == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert str(picture) in answer.err
    for said in ("no emoticons", "expected calibration error", "truly negative"):
        assert said in answer.out


def test_the_shipped_model_is_measured_in_words(ask: Ask, write: Write) -> None:
    answer = ask("evaluate", write("labels.tsv", labels(20)))
    assert answer.code == 0
    assert answer.out.strip()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param("1\t好\n坏\n", ":2: ", id="no tab"),
        pytest.param("1\t好\n5\t坏\n", ":2: ", id="no such label"),
        pytest.param("1\t好\n-1\t坏\n", "label", id="too few"),
        pytest.param("", "label", id="none"),
    ],
)
def test_bad_labels_are_named(ask: Ask, write: Write, tmp_path: Path, text: str, says: str) -> None:
    answer = ask("train", write("labels.tsv", text), "-o", tmp_path / "my.npz")
    assert answer.code == 2
    assert says in answer.err.lower()
    assert not (tmp_path / "my.npz").exists()


def test_measuring_nothing_is_an_error_of_the_input(ask: Ask, write: Write) -> None:
    answer = ask("evaluate", write("labels.tsv", "\n"), "--json")
    assert answer.code == 2
    assert answer.out == ""


def test_where_no_model_can_be_saved_nothing_is_trained(
    ask: Ask, write: Write, tmp_path: Path
) -> None:
    answer = ask("train", write("labels.tsv", labels()), "-o", tmp_path / "no" / "my.npz")
    assert answer.code == 2
    assert "cannot be written" in answer.err
