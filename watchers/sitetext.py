"""Text and numbers as sites write them: HTML to plain text, "11万" to 110,000. Knows no source."""

import hashlib
import html
import re
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import msgspec

LONGEST = 20_000  # characters of one post that are read

_SCRIPTS = re.compile(r"</?(?:script|style)\b[^<>]*>", re.IGNORECASE)
_BREAKS = re.compile(r"<(?:br|/p|/div|/li|/h[1-6])\b[^<>]*>", re.IGNORECASE)
_PICTURES = re.compile(r"<img\b[^<>]*?\balt=(?:\"([^\"<>]*)\"|'([^'<>]*)')[^<>]*>", re.IGNORECASE)
_TAGS = re.compile(r"<(?:/?[a-zA-Z]|!)[^<>]*>")
# what no database or reader wants: NUL and other controls, half characters, zero-width marks
_UNWANTED = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\u200b\ufeff]")
_COUNT = re.compile(r"(\d{1,12}(?:\.\d{1,4})?)(万|亿|[kKmM])?\+?")
_SCALE = {"万": 10_000, "亿": 100_000_000, "k": 1_000, "m": 1_000_000}
_ZERO_WORDS = frozenset({"转发", "评论", "赞", "收藏"})  # a button without a number: nobody yet


def plain(text: object) -> str:
    """Return TEXT, which may hold HTML, without markup; alt texts of emoji are kept."""
    if not isinstance(text, str):
        return ""
    text = text[:LONGEST]
    if "<" in text:
        text = "".join(_SCRIPTS.split(text)[::2])
        text = _BREAKS.sub("\n", text)
        text = _PICTURES.sub(lambda m: m[1] or m[2] or "", text)
        text = _TAGS.sub("", text)
    return tidy(html.unescape(text))


def tidy(text: object) -> str:
    """Return TEXT, which is no HTML, without what nobody wants, at most 20,000 characters."""
    if not isinstance(text, str):
        return ""
    text = _UNWANTED.sub("", text[:LONGEST])
    return "\n".join(" ".join(line.split()) for line in text.splitlines() if line.strip())


def line(text: object) -> str:
    """Return TEXT as `plain` does, on one line: names and titles."""
    return " ".join(plain(text).split())


def count(value: object) -> int | None:
    """Return the number that VALUE means, "12.3万" and "100万+" included; None: unknown."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return int(value) if 0 <= value < 1e12 else None
    if not isinstance(value, str):
        return None
    text = value.strip().replace(",", "")
    if text in _ZERO_WORDS:
        return 0
    match = _COUNT.fullmatch(text)
    if match is None:
        return None
    return round(float(match[1]) * _SCALE.get((match[2] or "").lower(), 1))


def name(value: object) -> str:
    """Return an id or handle as text: strings and whole numbers, else nothing."""
    if isinstance(value, bool):
        return ""
    if isinstance(value, int):
        return str(value) if 0 < value < 10**30 else ""
    return _UNWANTED.sub("", value.strip())[:1000] if isinstance(value, str) else ""


def address(value: object) -> str:
    """Return VALUE if it is an address of the web, else nothing: no script hides in a link."""
    text = name(value)
    return text if text.lower().startswith(("https://", "http://")) else ""


def truth(value: object) -> bool | None:
    """Return a flag that may come as true, 1 or "1"; None where it is neither yes nor no."""
    if isinstance(value, bool):
        return value
    if value in (1, "1", "true"):
        return True
    return False if value in (0, "0", "false") else None


class NotJson(ValueError):
    """The text is no JSON."""


def read_json(text: bytes | str) -> object:
    """Return what the JSON of TEXT says; raises NotJson, whatever is wrong with it.

    Bytes that are no UTF-8 inside a string, and nesting without end, are among it.
    """
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise NotJson(type(error).__name__) from None


def json_or_none(text: bytes | str) -> object:
    """Return what the JSON of TEXT says; None: it is none."""
    try:
        return read_json(text)
    except NotJson:
        return None


def fields(value: object) -> dict[str, object]:
    """Return VALUE if it is an object of JSON, else an empty one."""
    return value if isinstance(value, dict) else {}


def canonical(url: str) -> str:
    """Return URL without what tells two links to one article apart: utm_*, fragment, last slash."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    query = [(k, v) for k, v in parse_qsl(parts.query, keep_blank_values=True)]
    kept = urlencode([(k, v) for k, v in query if not k.lower().startswith("utm_")])
    return urlunsplit((parts.scheme, parts.netloc.lower(), parts.path.rstrip("/"), kept, ""))


def link_id(url: str) -> str:
    """Return the id of an article that has none: its address, without what changes."""
    return hashlib.sha256(canonical(url).encode()).hexdigest()[:24]
