"""What leaves the store in an export: who is no public voice goes by a pseudonym. Pure."""

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

NAMED = re.compile(r"@[\w.·-]+")  # people whom a post speaks to or repeats
BODIES = {"clients": "body", "incidents": "body", "outbox": "alert", "hits": "terms"}  # hold JSON


class Mask:
    """Shows rows without the names of private persons. KEY never leaves the database."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._shown: Mapping[str, Callable[[dict[str, Any]], None]] = {
            "posts": self._post,
            "mentions": self._mention,
            "incidents": self._incident,
            "outbox": self._message,
            "timeline": self._event,
        }
        self._private: dict[int, dict[str, str]] = {}  # incident -> name or link -> what is shown

    def row(self, table: str, row: dict[str, Any]) -> dict[str, object]:
        """Return ROW of TABLE as it may be shown. Incidents come before what hangs on them."""
        if table in BODIES:
            row[BODIES[table]] = msgspec.json.decode(row[BODIES[table]])
        if table in self._shown:
            self._shown[table](row)
        shown: dict[str, object] = msgspec.to_builtins(row)
        return shown

    def _name(self, source: str, author: str) -> str:
        digest = hmac.new(self._key, f"{source}:{author}".encode(), hashlib.sha256).hexdigest()
        return f"author-{digest[:12]}"

    def _post(self, row: dict[str, Any]) -> None:
        row["excerpt"] = NAMED.sub("@…", row["excerpt"])
        if row["verified"] or row["publisher"]:
            return
        if any(n and n in row["url"] for n in (row["author_id"], row["handle"])):
            row["url"] = ""  # the link names its author
        for name in ("author_id", "handle"):
            row[name] = self._name(row["source"], row[name])
        row["display"] = ""

    def _mention(self, row: dict[str, Any]) -> None:
        source, _, author = row["author"].partition(":")
        row["author"] = self._name(source, author)

    def _incident(self, row: dict[str, Any]) -> None:
        hidden = self._private.setdefault(row["number"], {})
        row["body"]["number"] = row["number"]
        lead = row["body"]["lead"]
        if lead is not None:
            self._quote(lead)
        for proof in row["body"]["proofs"]:
            if proof["url"] and not _public(proof):
                hidden[proof["url"]] = ""
                hidden[proof["who"]] = self._name(proof["source"], proof["who"])
                proof |= {"who": hidden[proof["who"]], "url": ""}

    def _quote(self, quote: dict[str, Any]) -> None:
        quote["text"] = NAMED.sub("@…", quote["text"])
        if not quote["verified"] and quote["kind"] != "article":
            quote |= {"who": self._name(quote["source"], quote["who"]), "url": ""}

    def _message(self, row: dict[str, Any]) -> None:
        for quote in row["alert"]["quotes"]:
            self._quote(quote)
        row["alert"]["text"] = self._said(row["incident"], row["alert"]["text"])

    def _event(self, row: dict[str, Any]) -> None:
        row["text"] = self._said(row["incident"], row["text"])

    def _said(self, incident: int | None, text: str) -> str:
        for hidden, shown in self._private.get(incident or 0, {}).items():
            text = text.replace(hidden, shown) if hidden else text
        return text


def _public(proof: Mapping[str, Any]) -> bool:
    """Portals, newspapers and authorities speak in public; a first post or a fan may be anybody."""
    return proof["stage"] in ("portal", "press", "official")
