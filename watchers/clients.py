"""The client file: TOML to clients and back. Pure: text in, values out, all faults at once."""

import difflib
import json
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from watchers.errors import BadClientFile
from watchers.match import rule_faults
from watchers.model import Campaign, Client, Person, Role, Rule

LISTS = (
    "names",
    "ambiguous",
    "companions",
    "exclude",
    "own_accounts",
    "initials",
    "queries",
    "sources",
)
KEYS = (
    "id",
    "name",
    *LISTS,
    "channel",
    "zone",
    "sensitivity",
    "gist",
    "people",
    "rules",
    "campaigns",
)
CAMPAIGN_KEYS = ("start", "end", "reason")
LONGEST_CAMPAIGN = timedelta(days=31)
RULE_KEYS = ("name", "all", "any", "none")
PERSON_KEYS = ("slack", "role", "zone", "hours", "days")
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_ID = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_CHANNEL = re.compile(r"[CGD][A-Z0-9]{2,20}")
_USER = re.compile(r"[UW][A-Z0-9]{2,20}")
_HOURS = re.compile(r"(\d\d:\d\d)-(\d\d:\d\d)")


def load(text: str, where: str) -> tuple[Client, ...]:
    """Return the clients of the TOML TEXT. Raises BadClientFile with every fault and its place."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadClientFile(f"{where} is not TOML: {error}") from None
    faults: list[str] = []
    _unknown(document, ("client",), where, faults)
    tables = document.get("client", [])
    if not isinstance(tables, list) or not tables:
        faults.append(f"{where}: no client in it; each begins with [[client]]")
        tables = []
    clients = [
        _client(table, place, faults)
        for place, table in _tables(tables, f"{where}: client", faults)
    ]
    ids = [c.id for c in clients]
    faults += [
        f'{where}: id "{twice}" stands twice; ids are unique'
        for twice in sorted({i for i in ids if i and ids.count(i) > 1})
    ]
    if faults:
        raise BadClientFile("\n  " + "\n  ".join(faults))
    return tuple(clients)


def dump(clients: Iterable[Client]) -> str:
    """Return CLIENTS as the text of a client file; `load` gives the same clients again."""
    return "\n".join(_table(client) for client in clients)


def changes(before: Client | None, after: Client) -> str:
    """Say what differs between two versions of a client's words, in one line."""
    if before is None:
        return "new"
    said = []
    for key in KEYS[1:]:
        old, new = getattr(before, key), getattr(after, key)
        if old == new:
            continue
        if key in ("people", "rules", "campaigns") or not isinstance(new, tuple):
            said.append(key if isinstance(new, tuple) else f"{key} {old} → {new}")
            continue
        said += [f"{key} + {word}" for word in new if word not in old]
        said += [f"{key} - {word}" for word in old if word not in new]
        if set(old) == set(new):
            said.append(f"{key} in another order")
    return ", ".join(said)


# ------------------------------------------------------------------------------- reading
class _Reader:
    """Reads typed fields of one table and notes what is wrong with them."""

    def __init__(self, table: Mapping[str, Any], where: str, faults: list[str]) -> None:
        self._table = table
        self._where = where
        self._faults = faults

    def fault(self, key: str, text: str) -> None:
        self._faults.append(f"{self._where}: {key} {text}")

    def text(
        self, key: str, default: str | None, fits: Callable[[str], bool], mend: str
    ) -> str | None:
        value = self._table.get(key, default)
        if value is None:
            return None
        if not isinstance(value, str) or not fits(value):
            self.fault(key, f"is {value!r}; {mend}")
            return default
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        value = self._table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
            self.fault(key, 'must be a list of texts, as in ["…", "…"]')
            return ()
        words = tuple(v.strip() for v in value)
        twice = sorted({w for w in words if words.count(w) > 1})
        if twice:
            self.fault(key, f"holds {', '.join(twice)} twice")
        if not all(words):
            self.fault(key, "holds an empty text")
        return words

    def zone(self) -> str:
        return self.text("zone", "Asia/Shanghai", _is_zone, 'as in "Asia/Shanghai"') or ""


def _tables(
    listed: list[Any], where: str, faults: list[str]
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield each table of LISTED with its place; what is no table is a fault."""
    for number, table in enumerate(listed, start=1):
        place = f"{where}[{number}]"
        if isinstance(table, dict):
            yield place, table
        else:
            faults.append(f"{place} is {table!r}; it must be a table of keys and values")


def _client(table: Mapping[str, Any], where: str, faults: list[str]) -> Client:
    id_ = table.get("id")
    where = f'{where} "{id_}"' if isinstance(id_, str) else where
    _unknown(table, KEYS, where, faults)
    read = _Reader(table, where, faults)
    lists = {key: read.texts(key) for key in LISTS}
    zone = read.zone()
    if not lists["names"]:
        read.fault("names", "is missing: at least one name that suffices alone")
    for key, other in (("names", "ambiguous"), ("names", "exclude"), ("ambiguous", "exclude")):
        both = sorted(set(lists[key]) & set(lists[other]))
        if both:
            read.fault(key, f"holds {', '.join(both)}, and so does {other}: it can be one alone")
    for key in ("names", "ambiguous"):
        short = [w for w in lists[key] if len(w) < 2]
        if short:
            read.fault(key, f"holds {', '.join(short)}: one character is in every other post")
    bad = [a for a in lists["own_accounts"] if not re.fullmatch(r"[a-z_]+:.+", a)]
    if bad:
        read.fault("own_accounts", f"holds {', '.join(bad)}; write source:name, as in weibo:示例")
    need = [w for w in lists["initials"] if len(w) < 3]
    if need:
        read.fault("initials", f"holds {', '.join(need)}: three letters at least")
    if (lists["ambiguous"] or lists["initials"]) and not lists["companions"]:
        read.fault("companions", "is missing: ambiguous names and initials need one in the post")
    return Client(
        id=read.text("id", "", lambda v: bool(_ID.fullmatch(v)), "lower case letters, digits, - and _")
        or _missing(read, "id"),
        name=read.text("name", "", lambda v: bool(v.strip()), "a name for people")
        or _missing(read, "name"),
        channel=read.text(
            "channel", None, lambda v: bool(_CHANNEL.fullmatch(v)),
            "the channel's id is needed (C0123456789), not its name",
        ),
        zone=zone,
        sensitivity=_sensitivity(read, table),
        gist=_gist(read, table),
        people=_people(table, where, faults),
        rules=_rules(table, where, faults),
        campaigns=_campaigns(zone, table, where, faults),
        names=lists["names"],
        ambiguous=lists["ambiguous"],
        companions=lists["companions"],
        exclude=lists["exclude"],
        own_accounts=lists["own_accounts"],
        initials=lists["initials"],
        queries=lists["queries"],
        sources=lists["sources"],
    )  # fmt: skip


def _missing(read: _Reader, key: str) -> str:
    read.fault(key, "is missing")
    return ""


def _sensitivity(read: _Reader, table: Mapping[str, Any]) -> float:
    value = table.get("sensitivity", 0.25)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0.01 <= value <= 10:
        read.fault("sensitivity", f"is {value!r}; alerts a keyword and week, from 0.01 to 10")
        return 0.25
    return float(value)


def _gist(read: _Reader, table: Mapping[str, Any]) -> bool:
    value = table.get("gist", True)
    if not isinstance(value, bool):
        read.fault("gist", f"is {value!r}; true or false")
    return value is not False


def _rules(table: Mapping[str, Any], where: str, faults: list[str]) -> tuple[Rule, ...]:
    listed = table.get("rules", [])
    if not isinstance(listed, list):
        faults.append(f"{where}: rules must be tables, each begins with [[client.rules]]")
        return ()
    rules = [
        _rule(rule, place, faults) for place, rule in _tables(listed, f"{where}: rules", faults)
    ]
    names = [r.name for r in rules]
    twice = sorted({n for n in names if n and names.count(n) > 1})
    if twice:
        faults.append(f"{where}: rules holds {', '.join(twice)} twice; names are unique")
    return tuple(rules)


def _rule(table: Mapping[str, Any], where: str, faults: list[str]) -> Rule:
    _unknown(table, RULE_KEYS, where, faults)
    read = _Reader(table, where, faults)
    rule = Rule(
        name=read.text("name", "", lambda v: bool(v.strip()), "what the alert calls it")
        or _missing(read, "name"),
        all=read.texts("all"),
        any=read.texts("any"),
        none=read.texts("none"),
    )
    faults += [f"{where}: {fault}" for fault in rule_faults(rule)]
    return rule


def _campaigns(
    zone: str, table: Mapping[str, Any], where: str, faults: list[str]
) -> tuple[Campaign, ...]:
    listed = table.get("campaigns", [])
    if not isinstance(listed, list):
        faults.append(f"{where}: campaigns must be tables, each begins with [[client.campaigns]]")
        return ()
    here = ZoneInfo(zone or "UTC")
    found = []
    for place, row in _tables(listed, f"{where}: campaigns", faults):
        _unknown(row, CAMPAIGN_KEYS, place, faults)
        read = _Reader(row, place, faults)
        start, end = (_moment(read, row, key, here) for key in CAMPAIGN_KEYS[:2])
        reason = read.text("reason", "", lambda v: bool(v.strip()), "why it is planned")
        if not reason:
            read.fault("reason", "is missing")
        if start is None or end is None:
            continue
        if not timedelta(0) < end - start <= LONGEST_CAMPAIGN:
            read.fault("end", f"must come after start, {LONGEST_CAMPAIGN.days} days later at most")
            continue
        found.append(Campaign(start=start, end=end, reason=reason or ""))
    return tuple(found)


def _moment(read: _Reader, table: Mapping[str, Any], key: str, zone: ZoneInfo) -> datetime | None:
    """Return the time KEY, in ZONE where it names none."""
    value = table.get(key)
    if not isinstance(value, datetime):
        read.fault(key, f"is {value!r}; a time as in 2026-03-08T09:00:00+08:00")
        return None
    return value if value.tzinfo else value.replace(tzinfo=zone)


def _people(table: Mapping[str, Any], where: str, faults: list[str]) -> tuple[Person, ...]:
    listed = table.get("people", [])
    if not isinstance(listed, list):
        faults.append(f"{where}: people must be tables, each begins with [[client.people]]")
        return ()
    people = [
        _person(person, place, faults)
        for place, person in _tables(listed, f"{where}: people", faults)
    ]
    ids = [p.slack for p in people]
    twice = sorted({i for i in ids if i and ids.count(i) > 1})
    if twice:
        faults.append(f"{where}: people holds {', '.join(twice)} twice; one role each")
    return tuple(people)


def _person(table: Mapping[str, Any], where: str, faults: list[str]) -> Person:
    _unknown(table, PERSON_KEYS, where, faults)
    read = _Reader(table, where, faults)
    roles = [str(r) for r in Role]
    role = read.text("role", None, roles.__contains__, f"one of {', '.join(roles)}")
    if "role" not in table:
        read.fault("role", f"is missing: one of {', '.join(roles)}")
    days = table.get("days", list(DAYS[:5]))
    if not isinstance(days, list) or not days or not all(d in DAYS for d in days):
        read.fault("days", f"is {days!r}; some of {', '.join(DAYS)}")
        days = list(DAYS[:5])
    slack = read.text(
        "slack", "", lambda v: bool(_USER.fullmatch(v)), "the member's id is needed (U0123456789)"
    )
    if "slack" not in table:
        read.fault("slack", "is missing")
    return Person(
        slack=slack or "",
        role=Role(role) if role else Role.VIEWER,
        zone=read.zone(),
        hours=_hours(read, table),
        days=tuple(days),
    )


def _hours(read: _Reader, table: Mapping[str, Any]) -> tuple[time, time]:
    text = table.get("hours", "09:00-18:00")
    found = _HOURS.fullmatch(text) if isinstance(text, str) else None
    times = [_time(part) for part in found.groups()] if found else []
    begin, end = (*times, None, None)[:2]
    if begin is None or end is None:
        read.fault("hours", f'is {text!r}; as in "09:00-18:00"')
        return time(9), time(18)
    if begin == end:
        read.fault("hours", f"is {text!r}, which is no time at all")
    return begin, end


def _time(text: str) -> time | None:
    try:
        return time.fromisoformat(text)
    except ValueError:
        return None


def _unknown(table: Mapping[str, Any], known: Iterable[str], where: str, faults: list[str]) -> None:
    known = tuple(known)
    for key in table:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
            hint = f'did you mean "{near[0]}"?' if near else f"known are {', '.join(known)}"
            faults.append(f'{where}: unknown key "{key}"; {hint}')


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


# ------------------------------------------------------------------------------- writing
def _table(client: Client) -> str:
    lines = ["[[client]]", f"id = {_quoted(client.id)}", f"name = {_quoted(client.name)}"]
    for key in LISTS:
        words: tuple[str, ...] = getattr(client, key)
        if words:
            lines.append(f"{key} = [{', '.join(_quoted(w) for w in words)}]")
    if client.channel:
        lines.append(f"channel = {_quoted(client.channel)}")
    lines += [f"zone = {_quoted(client.zone)}", f"sensitivity = {client.sensitivity!r}"]
    if not client.gist:
        lines.append("gist = false")
    for rule in client.rules:
        lines += ["", "[[client.rules]]", f"name = {_quoted(rule.name)}"]
        for key in RULE_KEYS[1:]:
            listed: tuple[str, ...] = getattr(rule, key)
            if listed:
                lines.append(f"{key} = [{', '.join(_quoted(w) for w in listed)}]")
    for campaign in client.campaigns:
        lines += [
            "",
            "[[client.campaigns]]",
            f"start = {campaign.start.isoformat()}",
            f"end = {campaign.end.isoformat()}",
            f"reason = {_quoted(campaign.reason)}",
        ]
    for person in client.people:
        begin, end = person.hours
        lines += [
            "",
            "[[client.people]]",
            f"slack = {_quoted(person.slack)}",
            f"role = {_quoted(person.role)}",
            f"zone = {_quoted(person.zone)}",
            f"hours = {_quoted(f'{begin:%H:%M}-{end:%H:%M}')}",
            f"days = [{', '.join(_quoted(d) for d in person.days)}]",
        ]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """Return TEXT as a TOML string: JSON's escapes are TOML's, but for the delete character."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
