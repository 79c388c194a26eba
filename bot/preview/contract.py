"""Each call of the bot held against Slack's published contract, and the scopes the calls need.

Reads a folder with one JSON file a method (`args`, `scope`, as slack-api-ref publishes them). The
folder is the test's: without one nothing is checked.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from bot.preview.workspace import Channel, Json

_ALLOWED = {"team_id"}  # Bolt's client for one request adds it to every call
_KINDS = {"channels", "groups", "im", "mpim"}  # prefixes of scopes that differ by conversation
_TYPES = {"public_channel": "channels", "private_channel": "groups", "im": "im", "mpim": "mpim"}


@dataclass(slots=True, kw_only=True)
class Call:
    """One call of the bot. `outcome`: "ok", Slack's error code, or the fault that was played."""

    method: str
    args: Json
    at: datetime
    outcome: str = ""
    reached: Sequence[str] = field(default=())  # scope prefixes of the conversations it reached


@cache
def _method(folder: Path, name: str) -> Json | None:
    file = folder / f"{name}.json"
    return dict(json.loads(file.read_text("utf-8"))) if file.is_file() else None


def problems(call: Call, folder: Path) -> list[str]:
    """Return what is wrong with CALL by the contract in FOLDER, each with the method's name."""
    spec = _method(folder, call.method)
    if spec is None:
        return [f"{call.method}: no such method"]
    known = spec["args"]["properties"]
    given = {name for name, value in call.args.items() if value is not None}
    needs = set(spec["args"].get("required", ())) - {"token"}
    found = [f"{name} is missing" for name in sorted(needs - given)]
    found += [f"{name} is not an argument" for name in sorted(given - set(known) - _ALLOWED)]
    for name in sorted(given & set(known)):
        found += _faults(name, call.args[name], known[name])
    return [f"{call.method}: {fault}" for fault in found]


def _faults(name: str, value: Any, rule: Mapping[str, Any]) -> list[str]:
    found = []
    allowed = rule.get("enum")
    if allowed and str(value) not in {str(a) for a in allowed}:
        found.append(f"{name} is {value!r}, not one of {allowed}")
    text = value if isinstance(value, str) else json.dumps(value)
    most = rule.get("maxLength")
    if most and len(text) > most:
        found.append(f"{name} has {len(text)} characters, at most {most}")
    return found


def alternatives(call: Call, folder: Path) -> list[frozenset[str]]:
    """Return what CALL needs: from each set one scope. Empty when it needs none."""
    spec = _method(folder, call.method)
    scopes = frozenset((spec or {}).get("scope", {}).get("bot", ()))
    if not scopes:
        return []
    if call.method == "conversations.open":  # only direct talks are modelled
        return [frozenset({"im:write"})]
    if call.method == "conversations.list":
        kinds = str(call.args.get("types") or "public_channel").replace(" ", "").split(",")
        return [frozenset({f"{_TYPES[kind]}:read"}) for kind in kinds if kind in _TYPES]
    if call.reached and {scope.partition(":")[0] for scope in scopes} <= _KINDS:
        return [_narrowed(scopes, prefix) for prefix in call.reached]
    return [scopes]


def _narrowed(scopes: frozenset[str], prefix: str) -> frozenset[str]:
    return frozenset(s for s in scopes if s.partition(":")[0] == prefix) or scopes


def reached(channel: Channel | None) -> Sequence[str]:
    return () if channel is None else (channel.scope_prefix,)
