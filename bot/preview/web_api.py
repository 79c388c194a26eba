"""The Web API methods of the stand-in, as far as the bot uses them: name to function.

A function takes the workspace and the decoded arguments and returns the answer without `ok`, or
raises Refused. Who calls, tokens, faults and HTTP are the server's business.
"""

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any

from bot.preview.workspace import (
    APP,
    BOT,
    BOT_USER,
    METADATA_LIMIT,
    TEAM,
    TEXT_LIMIT,
    Channel,
    Ephemeral,
    File,
    Json,
    Message,
    Modal,
    Refused,
    Workspace,
    as_ts,
    with_ids,
)

Args = Mapping[str, Any]
BlockProblems = Callable[[Mapping[str, Any]], list[str]]
JSON_ARGS = ("blocks", "attachments", "metadata", "view", "files")
VIEW_LIMIT = 250_000  # bytes (slack.md B7)


def decoded(raw: Args) -> Json:
    """Return RAW with the arguments that may come as JSON text turned into what they hold."""
    args = dict(raw)
    for name in JSON_ARGS:
        if isinstance(args.get(name), str) and args[name]:
            try:
                args[name] = json.loads(args[name])
            except ValueError:
                raise Refused(_BAD_JSON.get(name, "invalid_arguments")) from None
    return args


_BAD_JSON = {"blocks": "invalid_blocks_format", "metadata": "invalid_metadata_format"}


def truth(value: Any) -> bool:
    """Return VALUE as a bool: forms and queries send "1" and "true"."""
    return value is True or str(value).lower() in {"1", "true"}


def needed(args: Args, *names: str) -> list[str]:
    missing = [name for name in names if args.get(name) in {None, ""}]
    if missing:
        raise Refused("invalid_arguments", [f"[ERROR] missing required field: {missing[0]}"])
    return [str(args[name]) for name in names]


class WebApi:
    """Answers methods against one workspace."""

    def __init__(self, workspace: Workspace, problems: BlockProblems | None) -> None:
        self.workspace = workspace
        self.problems = problems
        self.public_write = False  # the scope chat:write.public was granted

    def answer(self, method: str, args: Args) -> Json:
        return METHODS[method](self, args)

    # --------------------------------------------------------------------------- identity
    def auth_test(self, _args: Args) -> Json:
        return {
            "url": f"{self.workspace.base}/",
            "team": self.workspace.name,
            "user": "fenghuo",
            "team_id": TEAM,
            "user_id": BOT_USER,
            "bot_id": BOT,
            "is_enterprise_install": False,
        }

    # --------------------------------------------------------------------------- messages
    def post_message(self, args: Args) -> Json:
        channel = self._postable(*needed(args, "channel"))
        body, warnings = self._body(args)
        message = Message(
            ts=self.workspace.next_ts(),
            channel=channel.id,
            user=BOT_USER,
            thread_ts=args.get("thread_ts") or None,
            broadcast=truth(args.get("reply_broadcast")),
            metadata=_metadata(args),
            **body,
        )
        self.workspace.post(channel, message)
        return {
            "channel": channel.id,
            "ts": message.ts,
            "message": self.workspace.shown(message),
        } | warnings

    def update_message(self, args: Args) -> Json:
        channel_id, ts = needed(args, "channel", "ts")
        channel = self._postable(channel_id)
        message = self.workspace.message(channel, ts)
        if not message.by_bot:
            raise Refused("cant_update_message")
        body, warnings = self._body(args)
        if _kinds(message.blocks) & {"rich_text"} and not _kinds(body["blocks"]) & {"rich_text"}:
            raise Refused("block_mismatch")
        message.text, message.blocks = body["text"], body["blocks"]
        if args.get("attachments") is not None:
            message.attachments = body["attachments"]
        if args.get("metadata") is not None:
            message.metadata = _metadata(args)
        message.edits += 1
        if not message.blocks:  # with blocks Slack shows no "(edited)" (slack.md B10)
            message.edited_ts = self.workspace.next_ts()
        self.workspace.changed()
        shown = self.workspace.shown(message)
        return {"channel": channel.id, "ts": ts, "text": message.text, "message": shown} | warnings

    def delete_message(self, args: Args) -> Json:
        channel_id, ts = needed(args, "channel", "ts")
        channel = self.workspace.channel(channel_id)
        if not self.workspace.message(channel, ts).by_bot:
            raise Refused("cant_delete_message")
        self.workspace.delete(channel, ts)
        return {"channel": channel.id, "ts": ts}

    def post_ephemeral(self, args: Args) -> Json:
        channel_id, user = needed(args, "channel", "user")
        channel = self._postable(channel_id)
        self.workspace.user(user)
        if not channel.has(user):
            raise Refused("user_not_in_channel")
        body, warnings = self._body(args)
        ts = self.workspace.next_ts()
        self.workspace.whisper(
            Ephemeral(
                ts=ts,
                channel=channel.id,
                user=user,
                thread_ts=args.get("thread_ts") or None,
                **body,
            )
        )
        return {"message_ts": ts} | warnings

    def permalink(self, args: Args) -> Json:
        channel_id, ts = needed(args, "channel", "message_ts")
        channel = self.workspace.channel(channel_id)
        message = self.workspace.message(channel, ts)
        thread = f"?thread_ts={message.thread_ts}" if message.thread_ts else ""
        place = f"{self.workspace.base}/archives/{channel.id}/p{ts.replace('.', '')}"
        return {"channel": channel.id, "permalink": place + thread}

    def _postable(self, channel_id: str) -> Channel:
        channel = self.workspace.channel(channel_id)
        if channel.archived:
            raise Refused("is_archived")
        if not channel.joined and not self.public_write:
            raise Refused("not_in_channel")
        return channel

    def _body(self, args: Args) -> tuple[Json, Json]:
        """Return (text, blocks and attachments; the warnings of the answer)."""
        text = str(args.get("text") or args.get("markdown_text") or "")
        blocks, attachments = args.get("blocks") or [], args.get("attachments") or []
        if not isinstance(blocks, list):
            raise Refused("invalid_blocks_format")
        if not (text or blocks or attachments):
            raise Refused("no_text")
        self.check({"text": text, "blocks": blocks, "attachments": attachments}, "invalid_blocks")
        warnings = _warned("message_truncated") if len(text) > TEXT_LIMIT else {}
        body = {
            "text": text[:TEXT_LIMIT],
            "blocks": with_ids(blocks, self.workspace.fresh),
            "attachments": [
                a | {"blocks": with_ids(a["blocks"], self.workspace.fresh)} if "blocks" in a else a
                for a in attachments
            ],
        }
        return body, warnings

    def check(self, message_or_view: Json, code: str) -> None:
        faults = self.problems(message_or_view) if self.problems else []
        if faults:
            raise Refused(code, [f"[ERROR] {fault}" for fault in faults])

    # --------------------------------------------------------------------- reading messages
    def history(self, args: Args) -> Json:
        channel = self._readable(args)
        shown = [m for m in channel.messages.values() if m.thread_ts is None or m.broadcast]
        return self._page(args, sorted(shown, key=lambda m: m.ts, reverse=True), newest_first=True)

    def replies(self, args: Args) -> Json:
        channel = self._readable(args)
        found = channel.messages.get(needed(args, "ts")[0])
        if found is None:
            raise Refused("thread_not_found")
        root = channel.messages.get(found.thread_ts or found.ts)
        page = self._page(args, channel.replies(found.thread_ts or found.ts), newest_first=False)
        if root is not None and not args.get("cursor"):  # the root opens every first page
            page["messages"].insert(0, self._shown(args, root))
        return page

    def _readable(self, args: Args) -> Channel:
        channel = self.workspace.channel(*needed(args, "channel"))
        if not channel.joined:
            raise Refused("not_in_channel")
        return channel

    def _shown(self, args: Args, message: Message) -> Json:
        return self.workspace.shown(message, metadata=truth(args.get("include_all_metadata")))

    def _page(self, args: Args, messages: list[Message], *, newest_first: bool) -> Json:
        oldest = as_ts(args.get("oldest"), "invalid_ts_oldest") or 0.0
        latest = as_ts(args.get("latest"), "invalid_ts_latest") or float("inf")
        edge = truth(args.get("inclusive"))
        inside = [m for m in messages if _between(float(m.ts), oldest, latest, edge)]
        after = _after(args.get("cursor"))
        if after is not None and newest_first:
            inside = [m for m in inside if float(m.ts) < after]
        elif after is not None:
            inside = [m for m in inside if float(m.ts) > after]
        limit = max(1, min(int(args.get("limit") or 100), 999))
        page: Json = {
            "messages": [self._shown(args, m) for m in inside[:limit]],
            "has_more": len(inside) > limit,
        }
        if len(inside) > limit:
            page["response_metadata"] = {"next_cursor": _cursor(inside[limit - 1].ts)}
        return page

    # ----------------------------------------------------------------------- conversations
    def conversation(self, args: Args) -> Json:
        channel = self.workspace.channel(*needed(args, "channel"))
        return {"channel": channel.as_slack(len(self.workspace.users))}

    def conversations(self, args: Args) -> Json:
        kinds = str(args.get("types") or "public_channel").replace(" ", "").split(",")
        found = [
            c.as_slack(len(self.workspace.users))
            for c in self.workspace.channels.values()
            if _kind(c) in kinds
            and (c.joined or not c.private)
            and not (c.archived and truth(args.get("exclude_archived")))
        ]
        return _sliced("channels", found, args)

    def join(self, args: Args) -> Json:
        channel = self.workspace.channel(*needed(args, "channel"))
        if channel.direct or channel.private:
            raise Refused("method_not_supported_for_channel_type")
        if channel.archived:
            raise Refused("is_archived")
        already = _warned("already_in_channel") if channel.joined else {}
        channel.joined = True
        self.workspace.changed()
        return {"channel": channel.as_slack(len(self.workspace.users))} | already

    def open_direct(self, args: Args) -> Json:
        if args.get("channel"):
            return {"channel": {"id": self.workspace.channel(str(args["channel"])).id}}
        users = args.get("users") or []
        listed = users.split(",") if isinstance(users, str) else list(users)
        if not listed:
            raise Refused("users_list_not_supplied")
        if len(listed) > 1:
            raise Refused("method_not_supported_for_channel_type")  # group talks: not modelled
        return {"channel": {"id": self.workspace.direct(listed[0].strip()).id}}

    def members(self, args: Args) -> Json:
        channel = self.workspace.channel(*needed(args, "channel"))
        return _sliced("members", self.workspace.members(channel), args)

    # ------------------------------------------------------------------------------ people
    def user(self, args: Args) -> Json:
        key = needed(args, "user")[0]
        if key == BOT_USER:
            return {"user": bot_user()}
        return {"user": self.workspace.user(key).as_slack(self.workspace.now())}

    def users(self, args: Args) -> Json:
        now = self.workspace.now()
        people = [user.as_slack(now) for user in self.workspace.users.values()]
        return _sliced("members", [*people, bot_user()], args)

    def groups(self, args: Args) -> Json:
        with_users = truth(args.get("include_users"))
        found = self.workspace.groups.values()
        return {"usergroups": [group.as_slack(with_users=with_users) for group in found]}

    def group_users(self, args: Args) -> Json:
        group = self.workspace.groups.get(needed(args, "usergroup")[0])
        if group is None:
            raise Refused("no_such_subteam")
        return {"users": list(group.members)}

    # -------------------------------------------------------------------------------- views
    def open_view(self, args: Args) -> Json:
        return self._new_view(args, push=False)

    def push_view(self, args: Args) -> Json:
        return self._new_view(args, push=True)

    def _new_view(self, args: Args, *, push: bool) -> Json:
        view = self.checked_view(args)
        user = self.workspace.use_trigger(*needed(args, "trigger_id"))
        return {"view": self.workspace.open_view(user, view, push=push).as_slack()}

    def update_view(self, args: Args) -> Json:
        view = self.checked_view(args)
        modal = self._modal(args)
        if args.get("hash") and args["hash"] != modal.hash:
            raise Refused("hash_conflict")
        return {"view": self.workspace.replace_view(modal, view).as_slack()}

    def _modal(self, args: Args) -> Modal:
        for modal in self.workspace.modals.values():
            external = args.get("external_id") and modal.view.get("external_id")
            if modal.id == args.get("view_id") or (external and external == args["external_id"]):
                return modal
        raise Refused("not_found")

    def checked_view(self, args: Args) -> Json:
        view = args.get("view")
        if not isinstance(view, Mapping):
            raise Refused("invalid_arguments", ["[ERROR] missing required field: view"])
        if len(json.dumps(view).encode()) > VIEW_LIMIT:
            raise Refused("view_too_large")
        self.check(dict(view), "invalid_arguments")
        return dict(view)

    # -------------------------------------------------------------------------------- files
    def upload_url(self, args: Args) -> Json:
        name, length = needed(args, "filename", "length")
        key = self.workspace.fresh("F")
        alt = str(args.get("alt_txt") or "")
        self.workspace.files[key] = File(id=key, name=name, length=int(length), alt=alt)
        return {"upload_url": f"{self.workspace.base}/upload/{key}", "file_id": key}

    def finish_upload(self, args: Args) -> Json:
        wanted = args.get("files")
        if not isinstance(wanted, list) or not wanted:
            raise Refused("invalid_arguments", ["[ERROR] missing required field: files"])
        files = [self._uploaded(entry) for entry in wanted]
        named = args.get("channel_id") or args.get("channels")
        for channel_id in str(named).split(",") if named else []:
            self._share(self._postable(channel_id), files, args)
        return {"files": [file.as_slack(self.workspace.base) for file in files]}

    def _uploaded(self, entry: Mapping[str, Any]) -> File:
        file = self.workspace.files.get(str(entry.get("id")))
        if file is None or file.content is None:
            raise Refused("file_not_found")
        file.title = str(entry.get("title") or file.name)
        return file

    def _share(self, channel: Channel, files: list[File], args: Args) -> None:
        message = Message(
            ts=self.workspace.next_ts(),
            channel=channel.id,
            user=BOT_USER,
            text=str(args.get("initial_comment") or ""),
            blocks=with_ids(args.get("blocks") or [], self.workspace.fresh),
            files=[file.id for file in files],
            thread_ts=args.get("thread_ts") or None,
        )
        self.workspace.post(channel, message)
        for file in files:
            file.shares.append((channel.id, message.ts))

    def file(self, args: Args) -> Json:
        found = self.workspace.files.get(needed(args, "file")[0])
        if found is None or found.content is None:
            raise Refused("file_not_found")
        return {"file": found.as_slack(self.workspace.base)}


def bot_user() -> Json:
    return {
        "id": BOT_USER,
        "team_id": TEAM,
        "name": "fenghuo",
        "real_name": "Fenghuo",
        "is_bot": True,
        "deleted": False,
        "tz": "UTC",
        "tz_offset": 0,
        "profile": {"real_name": "Fenghuo", "display_name": "Fenghuo", "api_app_id": APP},
    }


def _metadata(args: Args) -> Json | None:
    metadata = args.get("metadata")
    if metadata is None:
        return None
    if not isinstance(metadata, Mapping) or not isinstance(metadata.get("event_payload"), Mapping):
        raise Refused("invalid_metadata_format")
    if not metadata.get("event_type"):
        raise Refused("invalid_metadata_format")
    if len(json.dumps(metadata).encode()) > METADATA_LIMIT:
        raise Refused("metadata_too_large")
    return dict(metadata)


def _kinds(blocks: list[Json]) -> set[str]:
    return {str(block.get("type")) for block in blocks}


def _kind(channel: Channel) -> str:
    return "im" if channel.direct else "private_channel" if channel.private else "public_channel"


def _warned(code: str) -> Json:
    return {"warning": code, "response_metadata": {"warnings": [code]}}


def _between(moment: float, oldest: float, latest: float, edge: bool) -> bool:
    return oldest <= moment <= latest if edge else oldest < moment < latest


def _cursor(ts: str) -> str:
    return base64.b64encode(f"next_ts:{ts}".encode()).decode()


def _after(cursor: Any) -> float | None:
    if not cursor:
        return None
    try:
        return float(base64.b64decode(str(cursor)).decode().removeprefix("next_ts:"))
    except ValueError:
        raise Refused("invalid_cursor") from None


def _sliced(name: str, rows: list[Any], args: Args) -> Json:
    """Return one page of ROWS; the cursor is the number of the next row."""
    start = int(_after(args.get("cursor")) or 0)
    limit = max(1, min(int(args.get("limit") or 100), 1000))
    more = start + limit < len(rows)
    cursor = _cursor(str(start + limit)) if more else ""
    return {name: rows[start : start + limit], "response_metadata": {"next_cursor": cursor}}


METHODS: dict[str, Callable[[WebApi, Args], Json]] = {
    "auth.test": WebApi.auth_test,
    "chat.delete": WebApi.delete_message,
    "chat.getPermalink": WebApi.permalink,
    "chat.postEphemeral": WebApi.post_ephemeral,
    "chat.postMessage": WebApi.post_message,
    "chat.update": WebApi.update_message,
    "conversations.history": WebApi.history,
    "conversations.info": WebApi.conversation,
    "conversations.join": WebApi.join,
    "conversations.list": WebApi.conversations,
    "conversations.members": WebApi.members,
    "conversations.open": WebApi.open_direct,
    "conversations.replies": WebApi.replies,
    "files.completeUploadExternal": WebApi.finish_upload,
    "files.getUploadURLExternal": WebApi.upload_url,
    "files.info": WebApi.file,
    "usergroups.list": WebApi.groups,
    "usergroups.users.list": WebApi.group_users,
    "users.info": WebApi.user,
    "users.list": WebApi.users,
    "views.open": WebApi.open_view,
    "views.push": WebApi.push_view,
    "views.update": WebApi.update_view,
}
