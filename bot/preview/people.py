"""What people do in Slack, as the payloads Slack sends for it: clicks, commands, submits, events.

Pure: takes the workspace and returns payloads; sending them is the business of delivery.
Shapes follow the samples of bolt-python and java-slack-sdk, both MIT.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from bot.preview.workspace import (
    APP,
    BOT_USER,
    TEAM,
    Channel,
    Ephemeral,
    Json,
    Message,
    Modal,
    User,
    Workspace,
    handle,
    named_parts,
)

TOKEN = "preview-verification-token"  # noqa: S105 - the deprecated field; Bolt ignores it


class NotThere(LookupError):
    """A verb named something nobody can see, such as a button that was removed."""


# -------------------------------------------------------------------------------- shared parts
def _common(workspace: Workspace, user: User) -> Json:
    return {
        "user": {
            "id": user.id,
            "username": handle(user.name),
            "name": handle(user.name),
            "team_id": user.team,
        },
        "api_app_id": APP,
        "token": TOKEN,
        "trigger_id": workspace.new_trigger(user.id),
        "team": {"id": user.team, "domain": "preview"},
        "enterprise": None,
        "is_enterprise_install": False,
    }


def find_element(
    tree: Any, action_id: str, value: str | None, place: str, *, block_id: str | None = None
) -> tuple[str, Json]:
    """Return (block_id, element) of ACTION_ID inside TREE; NotThere says what was there instead."""
    every = [(b, part) for b, part in named_parts(tree) if block_id in {None, b}]
    found = [(block, part) for block, part in every if part["action_id"] == action_id]
    exact = [(block, part) for block, part in found if value is not None and _holds(part, value)]
    if exact or len(found) == 1:
        return (exact or found)[0]
    if not found:
        there = ", ".join(sorted({part["action_id"] for _, part in every})) or "none"
        raise NotThere(f"no {action_id} in {place}; there: {there}")
    raise NotThere(f"{len(found)} elements {action_id} in {place}: give the value of one of them")


def _holds(element: Json, value: str) -> bool:
    if element.get("type") == "button":
        return element.get("value") == value
    return any(option.get("value") == value for option in options_of(element))


def options_of(element: Json) -> list[Json]:
    grouped = [o for group in element.get("option_groups", []) for o in group.get("options", [])]
    return [*element.get("options", []), *grouped]


def _chosen(element: Json, value: Any) -> Json:
    for option in options_of(element):
        if option.get("value") == value:
            return option
    raise NotThere(f"no option {value!r} in {element.get('action_id')}")


_PLAIN = {  # kinds whose state is one value: the name of the field it travels in
    "plain_text_input": "value",
    "number_input": "value",
    "email_text_input": "value",
    "url_text_input": "value",
    "users_select": "selected_user",
    "conversations_select": "selected_conversation",
    "channels_select": "selected_channel",
    "datepicker": "selected_date",
    "timepicker": "selected_time",
}
_MANY = {"checkboxes", "multi_static_select"}
_INITIAL = (
    "initial_value",
    "initial_user",
    "initial_date",
    "initial_time",
    "initial_conversation",
    "initial_channel",
)


def state_of(element: Json, value: Any) -> Json:
    """Return ELEMENT's entry in `state.values` once a person has entered VALUE (None: nothing)."""
    kind = element["type"]
    if kind in _PLAIN:
        return {"type": kind, _PLAIN[kind]: value}
    if kind in _MANY:
        return {"type": kind, "selected_options": [_chosen(element, v) for v in value or []]}
    return {
        "type": kind,
        "selected_option": None if value is None else _chosen(element, value),
    }


def _initial(element: Json) -> Any:
    """Return what ELEMENT holds before anybody touched it, in the form `state_of` takes."""
    if element.get("initial_options"):
        return [option["value"] for option in element["initial_options"]]
    if element.get("initial_option"):
        return element["initial_option"]["value"]
    return next((element[name] for name in _INITIAL if element.get(name) is not None), None)


# -------------------------------------------------------------------------------------- clicks
def action(block_id: str, element: Json, value: str | None, ts: str) -> Json:
    """Return one entry of `actions` for a click on ELEMENT."""
    base: Json = {
        "action_id": element["action_id"],
        "block_id": block_id,
        "type": element["type"],
        "action_ts": ts,
    }
    if element["type"] == "button":
        kept = {k: element[k] for k in ("text", "value", "style", "url", "confirm") if k in element}
        return base | kept
    if element["type"] == "feedback_buttons":
        return base | {"value": value}
    return base | state_of(element, [value] if element["type"] in _MANY and value else value)


def click(
    workspace: Workspace, user: User, channel: Channel, spot: Message | Ephemeral, act: Json
) -> Json:
    """Return the payload of a click in a message, ephemeral or not."""
    whispered = isinstance(spot, Ephemeral)
    container: Json = {
        "type": "message",
        "message_ts": spot.ts,
        "channel_id": channel.id,
        "is_ephemeral": whispered,
    }
    if spot.thread_ts:
        container["thread_ts"] = spot.thread_ts
    payload: Json = {
        "type": "block_actions",
        **_common(workspace, user),
        "container": container,
        "channel": {"id": channel.id, "name": channel.name},
        "state": {"values": {}},
        "response_url": workspace.new_response_url(channel.id, user.id, spot.ts, spot.thread_ts),
        "actions": [act],
    }
    return payload if isinstance(spot, Ephemeral) else payload | {"message": workspace.shown(spot)}


def click_in_view(workspace: Workspace, user: User, modal: Modal, act: Json) -> Json:
    return {
        "type": "block_actions",
        **_common(workspace, user),
        "container": {"type": "view", "view_id": modal.id},
        "view": modal.as_slack(),
        "actions": [act],
    }


# ------------------------------------------------------------------------------------ commands
_MENTION = re.compile(r"(?<![\w<])([@#])([\w.\-]+)")


def escaped(workspace: Workspace, text: str) -> str:
    """Return TEXT as a command carries it: entities, and ids for names (slack.md E6)."""
    safe = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    people = {handle(user.name): user.id for user in workspace.users.values()}
    rooms = {channel.name: channel.id for channel in workspace.channels.values()}

    def named(match: re.Match[str]) -> str:
        known = (people if match[1] == "@" else rooms).get(match[2].lower())
        return f"<{match[1]}{known}|{match[2]}>" if known else match[0]

    return _MENTION.sub(named, safe)


def command(workspace: Workspace, user: User, channel: Channel, verb: str, text: str) -> Json:
    return {
        "token": TOKEN,
        "team_id": user.team,
        "team_domain": "preview",
        "channel_id": channel.id,
        "channel_name": "directmessage" if channel.direct else channel.name,
        "user_id": user.id,
        "user_name": handle(user.name),
        "command": verb,
        "text": escaped(workspace, text),
        "api_app_id": APP,
        "is_enterprise_install": "false",
        "response_url": workspace.new_response_url(channel.id, user.id),
        "trigger_id": workspace.new_trigger(user.id),
    }


# -------------------------------------------------------------------------------------- modals
def input_values(modal: Modal, values: Mapping[str, Any]) -> tuple[Json, dict[str, str]]:
    """Return (`state.values`, the complaints Slack itself makes before it sends anything).

    VALUES: what the person entered, by action id or block id. What is not named keeps its
    initial value; an unknown name is NotThere."""
    state: Json = {}
    complaints: dict[str, str] = {}
    known: set[str] = set()
    for block in modal.view.get("blocks", []):
        for block_id, element in named_parts(block):
            if element["type"] in {"button", "overflow"}:
                continue
            names = (element["action_id"], block_id)
            known.update(names)
            entered = next((values[n] for n in names if n in values), _initial(element))
            state.setdefault(block_id, {})[element["action_id"]] = state_of(element, entered)
            fault = _complaint(block, element, entered)
            if fault:
                complaints[block_id] = fault
    unknown = set(values) - known
    if unknown:
        raise NotThere(f"no field {sorted(unknown)} in the modal; there: {sorted(known)}")
    return state, complaints


def _complaint(block: Json, element: Json, entered: Any) -> str:
    if block.get("type") != "input":
        return ""
    if entered in (None, "", []):
        return "" if block.get("optional") else "Please complete this required field."
    most, least = element.get("max_length"), element.get("min_length")
    if isinstance(entered, str) and most and len(entered) > most:
        return f"Must be less than {most} characters."
    if isinstance(entered, str) and least and len(entered) < least:
        return f"Must be at least {least} characters."
    return ""


def submission(workspace: Workspace, user: User, modal: Modal, state: Json) -> Json:
    return {
        "type": "view_submission",
        **_common(workspace, user),
        "view": modal.as_slack(state),
        "response_urls": [],
    }


def closing(workspace: Workspace, user: User, modal: Modal, *, cleared: bool) -> Json:
    payload = {"type": "view_closed", **_common(workspace, user), "view": modal.as_slack()}
    del payload["trigger_id"]
    return payload | {"is_cleared": cleared}


# -------------------------------------------------------------------------------------- events
def event(workspace: Workspace, inner: Json) -> Json:
    return {
        "token": TOKEN,
        "team_id": TEAM,
        "api_app_id": APP,
        "event": inner,
        "type": "event_callback",
        "event_id": workspace.fresh("Ev"),
        "event_time": int(workspace.now().timestamp()),
        "authorizations": [
            {"enterprise_id": None, "team_id": TEAM, "user_id": BOT_USER, "is_bot": True}
        ],
        "is_ext_shared_channel": False,
        "event_context": workspace.fresh("Ec"),
    }


def mentions_bot(texts: Iterable[str]) -> bool:
    return any(f"<@{BOT_USER}" in text for text in texts)
