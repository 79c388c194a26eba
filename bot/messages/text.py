"""Text of strangers becomes text that Slack shows as it stands; times and numbers become words.

Three forms of strangers' text: `clean` for plain_text and rich_text, which know no markup;
`literal` inside mrkdwn; never anything else. Lengths are UTF-16 units, the larger of the ways to
count, and are measured after escaping.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone

from watchers.model import Gist

CHINA = timezone(timedelta(hours=8))  # no daylight saving since 1991
LONGEST_ADDRESS = 1_000  # characters; a longer one is shown without a link
GIST = 300  # characters of a machine's English
MARKS = 3  # combining marks on one character; more are somebody's joke

_JOINER = "\u200d"
_PICTURE = "\u2190-\u2bff\u3030\u303d\ufe0f\U0001f000-\U0001faff"
_STRAY_JOINER = re.compile(f"(?<![{_PICTURE}]){_JOINER}|{_JOINER}(?![{_PICTURE}])")
_BLANKS = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u2800\u3164\uffa0\ufffe\uffff"
)
_SELECTORS = re.compile("[\ufe00-\ufe0d\U000e0100-\U000e01ef]")  # all but text and emoji style
_HTTP = re.compile(r"https?://[^\s/?#]+\S*", re.IGNORECASE)
_UNSAFE = {ord(c): f"%{ord(c):02X}" for c in '<>|"`\\^{}'}

# `* _ ~` and backtick have no escape in mrkdwn (slack.md E2): characters that look the same. An
# underscore inside a word starts nothing. `:word:` would become a picture.
_MARKUP = str.maketrans({"*": "\u2217", "~": "\u223c", "`": "\u02cb"})
_EDGE = re.compile("(?<![0-9A-Za-z])_|_(?![0-9A-Za-z])")
_CODE = re.compile(  # a colon that begins an emoji's code, or would before a colon of ours
    r":(?=[\w+'-]*(?:[^\W\d]|\+)[\w+'-]*:|100:|1234:|[\w+'-]*$)"
)


# ------------------------------------------------------------------------------- clean, cut, escape
def clean(text: str, *, lines: bool = False) -> str:
    """Return TEXT without what cannot be seen: controls, bidi overrides, zero-width characters.

    White space becomes single spaces; with LINES, line ends stay. Joined emoji stay whole.
    """
    text = _SELECTORS.sub("", _STRAY_JOINER.sub("", text))
    kept: list[str] = []
    marks = 0
    for char in text:
        kind = unicodedata.category(char)
        marks = marks + 1 if kind[0] == "M" else 0
        if char.isspace():
            kept.append("\n" if lines and char in "\n\u2028\u2029" else " ")
        elif char == _JOINER or (
            kind not in ("Cc", "Cf", "Cs") and char not in _BLANKS and marks <= MARKS
        ):
            kept.append(char)
    return re.sub(" *\n[ \n]*", "\n", re.sub(" {2,}", " ", "".join(kept))).strip()


def units(text: str) -> int:
    """Return the length of TEXT in UTF-16 units: an emoji counts two."""
    return len(text) + sum(char > "\uffff" for char in text)


def width(text: str) -> int:
    """Return how much room TEXT takes on a line: a Chinese character takes two."""
    return sum(1 + (unicodedata.east_asian_width(char) in "WF") for char in text)


def escape(text: str) -> str:
    """Escape the three characters that mean something in mrkdwn and in top-level text."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _escaped_units(text: str) -> int:
    return units(escape(text))


def cut(text: str, most: int, size: Callable[[str], int] = units) -> str:
    """Return TEXT, or its beginning with "…", of at most MOST by SIZE; no character is split."""
    if size(text) <= most:
        return text
    room, kept = most - 1, []
    for piece in _pieces(text):
        room -= size(piece)
        if room < 0:
            break
        kept.append(piece)
    return "".join(kept).rstrip() + "…"


def as_is(text: str, most: int, *, lines: bool = False) -> str:
    """Return TEXT for plain_text and rich_text, never empty."""
    return cut(clean(text, lines=lines), most) or "–"


def escaped(text: str, most: int) -> str:
    """Return our own TEXT for the top level, never empty: markup stays, tokens do not."""
    return escape(cut(clean(text, lines=True), most, _escaped_units)) or "–"


def literal(text: str, most: int) -> str:
    """Return a stranger's TEXT for mrkdwn, never empty: no token, markup or emoji code lives.

    It must not follow a colon of ours without a space, else the two could make a code.
    """
    text = _EDGE.sub("\u02cd", clean(text).translate(_MARKUP))
    return escape(cut(_CODE.sub("\u2236", text), most, _escaped_units)) or "–"


def _pieces(text: str) -> Iterator[str]:
    """Yield what people take for one character: marks, joined emoji and flags stay together."""
    piece = ""
    for char in text:
        if piece and (_extends(char) or piece[-1] == _JOINER or _flag(piece, char)):
            piece += char
            continue
        if piece:
            yield piece
        piece = char
    if piece:
        yield piece


def _extends(char: str) -> bool:
    return (
        unicodedata.category(char)[0] == "M"
        or char == _JOINER
        or "\U0001f3fb" <= char <= "\U0001f3ff"
    )


def _flag(piece: str, char: str) -> bool:
    return len(piece) == 1 and all("\U0001f1e6" <= c <= "\U0001f1ff" for c in piece + char)


# ------------------------------------------------------------------------------------------- links
def address(url: str) -> str | None:
    """Return URL fit for a link; None where it is no web address or too long to be carried."""
    if not _HTTP.fullmatch(url) or clean(url) != url:
        return None
    safe = url.translate(_UNSAFE)
    return safe if units(escape(safe)) <= LONGEST_ADDRESS else None


def link(url: str, label: str) -> str:
    """Return mrkdwn that opens URL under our own LABEL; the bare label where URL is none."""
    safe = address(url)
    return f"<{escape(safe)}|{escape(label)}>" if safe else escape(label)


# ---------------------------------------------------------------------------------- times, numbers
def china(at: datetime) -> str:
    """Return the clock time of AT in China: "19:42 China"."""
    return f"{at.astimezone(CHINA):%H:%M} China"


def fallback_time(at: datetime) -> str:
    """Return AT for those who see no date token: "Nov 24, 19:42 China"."""
    local = at.astimezone(CHINA)
    return f"{local:%b} {local.day}, {china(at)}"


def time_format(at: datetime, now: datetime | None) -> str:
    """Return the format of a date: the clock alone within twelve hours of NOW."""
    near = now is not None and abs(at - now) < timedelta(hours=12)
    return "{time}" if near else "{date_short_pretty} {time}"


def when(at: datetime, now: datetime | None = None) -> str:
    """Return a date token: each reader sees their own zone."""
    return f"<!date^{int(at.timestamp())}^{time_format(at, now)}|{fallback_time(at)}>"


def both(at: datetime, now: datetime | None = None) -> str:
    """Return a date token with China time in brackets."""
    return f"{when(at, now)} ({china(at)})"


def span(length: timedelta) -> str:
    """Return LENGTH in words: "45 s", "11 min", "2 h 01", "3 d"."""
    seconds = max(int(length.total_seconds()), 0)
    if seconds < 60:
        return f"{seconds} s"
    minutes = seconds // 60
    if minutes < 120:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60:02d}" if minutes % 60 else f"{minutes // 60} h"
    return f"{minutes // 1440} d"


def number(count: float) -> str:
    """Return COUNT for people: "8,214", "120k", "1.1M"."""
    if count < 10_000:
        return f"{count:,.0f}"
    return f"{count / 1000:.0f}k" if count < 999_500 else f"{count / 1_000_000:.1f}M"


def level(usual: float) -> str:
    """Return a usual level: whole posts, or one decimal below two."""
    return f"{usual:.1f}".removesuffix(".0") if usual < 2 else number(usual)


def plural(count: float, one: str, many: str = "") -> str:
    """Return COUNT with its noun."""
    return f"{number(count)} {one if count == 1 else many or one + 's'}"


def gist_line(gist: Gist) -> str:
    """Return a machine's English of a quote, marked as such, as plain text."""
    made = f"machine translation ({gist.by})" if gist.by else "gist (machine)"
    return f"{made}: {as_is(gist.text, GIST)}"


SHORT_TITLES = {  # of sources whose registry name is no word; the full ones are too long for a line
    "weibo_business": "Weibo",
    "mastodon_stream": "Mastodon stream",
    "weibo_page": "Weibo page 1",
    "zhihuweb": "Portals (Zhihu)",
    "sinaroll": "Sina News",
    "wsa": "Tencent web",
    "qianfan": "Baidu web",
    "gdelt": "GDELT",
    "jetstream": "Bluesky stream",
    "webhook": "Provider's push",
}


def source_title(source: str) -> str:
    """Return a source's registry name as a word: "Weibo"."""
    return SHORT_TITLES.get(source) or source[:1].upper() + source[1:]
