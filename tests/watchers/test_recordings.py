"""The recording format: what is read, and what is said of a line that cannot be."""

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from watchers.errors import BadRecording
from watchers.model import Author, Kind, Post
from watchers.recordings import Recording

FULL = {
    "id": "5340000000000001",
    "platform": "weibo",
    "created_at": "2026-03-02T16:00:00+08:00",
    "text": "奥岚取暖器\x00 冒烟\n",
    "user": {"id": "u1", "name": "李禾", "followers": "11万", "verified": True},
    "reposts": 3,
    "comments": None,
    "likes": 0,
    "url": "https://weibo.com/detail/5340000000000001",
    "keyword": "奥岚",
    "kind": "repost",
    "parent_id": 5330000000000001,
}


def write(folder: Path, *lines: object) -> Path:
    path = folder / "posts.jsonl"
    texts = (line if isinstance(line, str) else json.dumps(line) for line in lines)
    path.write_text("\n".join(texts), encoding="utf-8")
    return path


def test_a_line_becomes_the_post_it_says(tmp_path: Path) -> None:
    at = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
    assert list(Recording(write(tmp_path, FULL))) == [
        Post(
            source="weibo",
            id="5340000000000001",
            url="https://weibo.com/detail/5340000000000001",
            text="奥岚取暖器 冒烟",
            author=Author(id="u1", handle="李禾", display="李禾", followers=110_000, verified=True),
            created_at=at,
            retrieved_at=at,
            reposts=3,
            comments=None,
            likes=0,
            parent_id="5330000000000001",
            kind=Kind.REPOST,
        )
    ]


def test_what_is_unknown_stays_unknown(tmp_path: Path) -> None:
    bare = {"id": 7, "text": None, "created_at": None}
    (post,) = Recording(write(tmp_path, bare))
    assert (post.id, post.source, post.text, post.created_at) == ("7", "recording", "", None)
    assert (post.reposts, post.author.followers, post.author.verified) == (None, None, None)


def test_packed_files_blank_lines_and_a_byte_order_mark_are_read(tmp_path: Path) -> None:
    path = tmp_path / "posts.data"
    line = json.dumps(FULL).encode()
    path.write_bytes(gzip.compress(b"\xef\xbb\xbf" + line + b"\n\n  \n" + line + b"\n"))
    assert len(list(Recording(path))) == 2


@pytest.mark.parametrize(
    ("line", "words"),
    [
        pytest.param("{not json", "malformed", id="no JSON"),
        pytest.param("[1, 2]", "object", id="no object"),
        pytest.param(FULL | {"text": 5}, r"\$\.text", id="text of the wrong type"),
        pytest.param({"text": "x", "created_at": None}, "id", id="no id"),
        pytest.param({"id": "1", "created_at": None}, "text", id="no text"),
        pytest.param(
            FULL | {"created_at": "2026-03-02T16:00:00"}, "timezone", id="a time without zone"
        ),
        pytest.param(FULL | {"created_at": 1772438400}, "created_at", id="an epoch"),
        pytest.param(FULL | {"created_at": "yesterday"}, "created_at", id="no time"),
        pytest.param("[" * 100_000, ":2:", id="nested without end"),
    ],
)
def test_a_bad_line_is_named_with_its_file_and_number(
    tmp_path: Path, line: object, words: str
) -> None:
    path = write(tmp_path, FULL, line, FULL)
    with pytest.raises(BadRecording, match=words) as raised:
        list(Recording(path))
    assert f"{path}:2:" in str(raised.value)
    recording = Recording(path, skip_bad=True)
    assert len(list(recording)) == 2
    assert recording.skipped == 1


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(gzip.compress(json.dumps(FULL).encode() * 50)[:-9], id="cut"),
        pytest.param(b"\x1f\x8bnothing of the kind", id="only the mark of gzip"),
    ],
)
def test_a_broken_archive_is_a_bad_recording(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "posts.jsonl.gz"
    path.write_bytes(content)
    with pytest.raises(BadRecording, match=r"posts\.jsonl\.gz"):
        list(Recording(path, skip_bad=True))


def test_a_missing_file_is_a_bad_recording(tmp_path: Path) -> None:
    with pytest.raises(BadRecording, match="No such file"):
        list(Recording(tmp_path / "none.jsonl"))


def test_the_recorded_streams_are_read_without_a_bad_line(shared: Path) -> None:
    files = sorted((shared / "data/microblogs/events").glob("*.jsonl.gz"))[:12]
    assert files
    for path in files:
        posts = list(Recording(path))
        assert posts
        assert all(p.id and p.created_at and p.created_at.tzinfo is UTC for p in posts)
