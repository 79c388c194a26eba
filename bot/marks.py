"""How a message of ours is marked in Slack, and found again by its mark.

The mark is the row's key in the message's metadata. Any member and any app of the workspace may
read metadata, so it holds ids only. A picture takes no metadata; its file name holds the key.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from watchers.store import OutboxRow

EVENT_TYPE = "fenghuo_message"
MARGIN = timedelta(seconds=30)  # Slack's clock and ours
PAGE = 15  # messages; Slack gives some apps no more

Found = Mapping[str, object]  # a message as Slack shows it


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a message goes: `thread` for a reply, `edit` for the message to change."""

    channel: str
    thread: str | None = None
    edit: str | None = None

    @property
    def root(self) -> str | None:
        """The ts of the root that this depends on; None: it depends on none."""
        return self.thread or self.edit

    @property
    def lane(self) -> str:
        """What shares a pace and a 429: posts of a channel, edits of the workspace."""
        return "edits" if self.edit else self.channel


def metadata(row: OutboxRow) -> dict[str, object]:
    payload = {"key": row.key, "incident": row.incident or 0, "rev": row.want_rev}
    return {"event_type": EVENT_TYPE, "event_payload": payload}


def filename(row: OutboxRow) -> str:
    return row.key.replace(":", "-") + ".png"


def revision(message: Found) -> int:
    """Return the revision that MESSAGE shows; 0 where it does not say, so that it is edited."""
    rev = _payload(message).get("rev")
    return rev if isinstance(rev, int) else 0


def is_ours(message: Found, row: OutboxRow, bot_id: str) -> bool:
    """Return whether MESSAGE is ROW's. Anybody may post our marks, so the sender counts as well."""
    if message.get("bot_id") != bot_id:
        return False
    files = message.get("files")
    if isinstance(files, list) and any(file.get("name") == filename(row) for file in files):
        return True
    return _payload(message).get("key") == row.key


def _payload(message: Found) -> Found:
    """Return the payload of a mark of ours; empty where Slack leaves it out, or it is another's."""
    mark = message.get("metadata")
    if not isinstance(mark, dict) or mark.get("event_type") != EVENT_TYPE:
        return {}
    payload = mark.get("event_payload")
    return payload if isinstance(payload, dict) else {}


async def find(
    client: AsyncWebClient, bot_id: str, row: OutboxRow, spot: Spot, since: datetime
) -> list[Found]:
    """Return our messages at SPOT that carry ROW's mark and are newer than SINCE, oldest first."""
    found: list[Found] = []
    cursor: str | None = None
    while True:
        page = await _page(client, spot, since - MARGIN, cursor)
        found += [message for message in page["messages"] if is_ours(message, row, bot_id)]
        cursor = (page.get("response_metadata") or {}).get("next_cursor")
        if not cursor:
            return sorted(found, key=lambda message: str(message["ts"]))


async def _page(
    client: AsyncWebClient, spot: Spot, since: datetime, cursor: str | None
) -> AsyncSlackResponse:
    oldest = f"{since.timestamp():.6f}"
    if spot.thread is not None:
        return await client.conversations_replies(
            channel=spot.channel,
            ts=spot.thread,
            oldest=oldest,
            limit=PAGE,
            include_all_metadata=True,
            cursor=cursor,
        )
    return await client.conversations_history(
        channel=spot.channel,
        oldest=oldest,
        limit=PAGE,
        include_all_metadata=True,
        cursor=cursor,
    )
