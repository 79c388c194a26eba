"""What a failed call to Slack means for the message: one function, `judge`, and its table.

One reaction of ours, not one code of theirs. Slack's answer itself never leaves this module: it
may hold texts and tokens; a code or the name of an error class says enough.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError

RETRY_AFTER = timedelta(seconds=30)  # where a 429 names no time
MARGIN = timedelta(seconds=1)  # on top of the time named: clocks differ

# What a call may raise: nothing else is caught around it.
TROUBLES = (SlackClientError, aiohttp.ClientError, TimeoutError, OSError)


class Reaction(StrEnum):
    """What to do about a call that failed."""

    NOT_SENT = "not_sent"  # it never reached Slack: again later, however often
    WAIT = "wait"  # not carried out: again after `Outcome.wait`
    REFUSED = "refused"  # Slack does not take this message: a plainer one, then a notice
    CHANNEL = "channel"  # it does not belong there any more: the operators' channel
    GONE = "gone"  # the message or thread it refers to was deleted
    PAUSE = "pause"  # the token is no good: nothing is sent until it is
    UNCLEAR = "unclear"  # perhaps carried out: look before sending again


@dataclass(frozen=True, slots=True)
class Outcome:
    reaction: Reaction
    code: str  # Slack's error code, or the class of the error
    wait: timedelta | None = None  # WAIT only


CODES: Mapping[Reaction, tuple[str, ...]] = {
    Reaction.WAIT: (
        "external_channel_migrating",
        "file_update_failed",
        "message_limit_exceeded",
        "rate_limited",
        "ratelimited",
        "streaming_state_conflict",
        "team_added_to_org",
        "update_failed",
    ),
    Reaction.REFUSED: (
        "access_denied",
        "alt_txt_too_large",
        "as_user_not_supported",
        "attachment_payload_limit_exceeded",
        "block_mismatch",
        "blocked_file_type",
        "cant_broadcast_message",
        "channels_limit_exceeded",
        "draft_already_deleted",
        "draft_already_sent",
        "draft_has_conflict",
        "draft_not_found",
        "duplicate_channel_not_found",
        "duplicate_message_not_found",
        "file_deleted",
        "file_is_deleted",
        "file_not_found",
        "file_share_limit_reached",
        "file_type_not_allowed",
        "file_upload_size_restricted",
        "file_uploads_disabled",
        "file_uploads_except_images_disabled",
        "invalid_arg_name",
        "invalid_arguments",
        "invalid_array_arg",
        "invalid_attachments",
        "invalid_blocks",
        "invalid_blocks_format",
        "invalid_charset",
        "invalid_form_data",
        "invalid_json",
        "invalid_metadata_format",
        "invalid_metadata_schema",
        "invalid_post_type",
        "json_not_object",
        "markdown_text_conflict",
        "max_file_sharing_exceeded",
        "metadata_must_be_sent_from_app",
        "metadata_too_large",
        "missing_argument",
        "missing_file_data",
        "missing_post_type",
        "missing_scope",
        "msg_blocks_too_long",
        "msg_too_long",
        "no_dual_broadcast_content_update",
        "no_text",
        "send_on_behalf_not_allowed",
        "slack_connect_blocked_file_type",
        "slack_connect_canvas_sharing_blocked",
        "slack_connect_clip_sharing_blocked",
        "slack_connect_file_link_sharing_blocked",
        "slack_connect_file_upload_sharing_blocked",
        "slack_connect_lists_sharing_blocked",
        "snippet_too_large",
        "storage_limit_reached",
        "too_many_attachments",
        "too_many_contact_cards",
        "unable_to_share_files",
        "unknown_method",
        "unknown_snippet_type",
        "unknown_subtype",
    ),
    Reaction.CHANNEL: (
        "app_access_restricted",
        "channel_is_limited_access",
        "channel_not_found",
        "ekm_access_denied",
        "invalid_channel",
        "is_archived",
        "is_inactive",
        "messages_tab_disabled",
        "method_not_supported_for_channel_type",
        "not_in_channel",
        "posting_to_channel_denied",
        "restricted_action",
        "restricted_action_non_threadable_channel",
        "restricted_action_read_only_channel",
        "restricted_action_thread_only_channel",
        "team_not_found",
        "user_disabled",
        "user_not_found",
        "user_not_visible",
    ),
    Reaction.GONE: (
        "cannot_reply_to_message",
        "cant_update_message",
        "edit_window_closed",
        "message_not_found",
        "restricted_action_thread_locked",
        "thread_not_found",
    ),
    Reaction.PAUSE: (
        "account_inactive",
        "accesslimited",
        "enterprise_is_restricted",
        "invalid_auth",
        "no_permission",
        "not_allowed_token_type",
        "not_authed",
        "org_login_required",
        "team_access_not_granted",
        "token_expired",
        "token_revoked",
        "two_factor_setup_required",
    ),
    Reaction.UNCLEAR: (
        "fatal_error",
        "internal_error",
        "request_timeout",
        "service_unavailable",
    ),
}
MEANING = {code: reaction for reaction, codes in CODES.items() for code in codes}


def judge(error: Exception) -> Outcome:
    """Return what to do about ERROR, one of TROUBLES.

    An answer that Slack gave with a code we do not know was not carried out, so it is REFUSED;
    where there is no such answer (time out, connection lost, 5xx, broken JSON) it is UNCLEAR.
    """
    if isinstance(error, aiohttp.ClientConnectorError):
        return Outcome(Reaction.NOT_SENT, type(error).__name__)
    if not isinstance(error, SlackApiError):
        return Outcome(Reaction.UNCLEAR, type(error).__name__)
    status = getattr(error.response, "status_code", 0)
    code = _code(error)
    if status == 429 or MEANING.get(code) is Reaction.WAIT:
        return Outcome(Reaction.WAIT, code or "ratelimited", _wait(error))
    if status >= 500 or not code:
        return Outcome(Reaction.UNCLEAR, code or f"HTTP {status}")
    return Outcome(MEANING.get(code, Reaction.REFUSED), code)


def _code(error: SlackApiError) -> str:
    """Return Slack's error code, "" where the answer was none of Slack's."""
    data = getattr(error.response, "data", error.response)
    code = data.get("error") if isinstance(data, dict) else None
    return code if isinstance(code, str) else ""


def _wait(error: SlackApiError) -> timedelta:
    """Return the time that a 429 asks for, which Slack gives in whole seconds."""
    headers = getattr(error.response, "headers", None) or {}
    given = {str(name).lower(): value for name, value in headers.items()}.get("retry-after")
    text = given[0] if isinstance(given, list) and given else given
    if isinstance(text, str) and text.strip().isdecimal():
        return timedelta(seconds=int(text)) + MARGIN
    return RETRY_AFTER + MARGIN
