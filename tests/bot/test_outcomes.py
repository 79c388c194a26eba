"""What a failed call means: every way a call can fail has exactly one reaction."""

import json
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import cast

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey
from slack_sdk.errors import SlackApiError, SlackRequestError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.outcomes import CODES, MEANING, TROUBLES, Outcome, Reaction, judge

USED = (
    "auth.test",
    "chat.delete",
    "chat.postMessage",
    "chat.update",
    "conversations.history",
    "conversations.replies",
    "files.completeUploadExternal",
    "files.getUploadURLExternal",
)
READING_ONLY = {  # codes that say we asked wrongly for history: a bug, never an answer to act on
    "cant_delete_message",
    "invalid_cursor",
    "invalid_metadata_filter_keys",
    "invalid_ts_latest",
    "invalid_ts_oldest",
    "list_record_comment_fetch_failed",
}
SECRET = "xoxb-not-a-token"


def answered(
    code: str | None, status: int = 200, headers: dict[str, str] | None = None
) -> SlackApiError:
    data: dict[str, object] = {} if code is None else {"ok": False, "error": code, "secret": SECRET}
    response = AsyncSlackResponse(
        client=AsyncWebClient(token=SECRET),
        http_verb="POST",
        api_url="https://slack.example/api/chat.postMessage",
        req_args={},
        data=data,
        headers=headers or {},
        status_code=status,
    )
    return SlackApiError("refused", response)


def not_connected() -> aiohttp.ClientConnectorError:
    return aiohttp.ClientConnectorError(cast("ConnectionKey", None), OSError("refused"))


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        pytest.param(
            not_connected(),
            Outcome(Reaction.NOT_SENT, "ClientConnectorError"),
            id="nobody listens: it was not sent",
        ),
        pytest.param(
            aiohttp.ServerDisconnectedError(),
            Outcome(Reaction.UNCLEAR, "ServerDisconnectedError"),
            id="the connection broke: it may have been carried out",
        ),
        pytest.param(
            aiohttp.ClientPayloadError(),
            Outcome(Reaction.UNCLEAR, "ClientPayloadError"),
            id="the answer was cut",
        ),
        pytest.param(TimeoutError(), Outcome(Reaction.UNCLEAR, "TimeoutError"), id="no answer"),
        pytest.param(
            SlackRequestError("Failed to upload a file"),
            Outcome(Reaction.UNCLEAR, "SlackRequestError"),
            id="an upload that failed",
        ),
        pytest.param(
            answered(None, 500), Outcome(Reaction.UNCLEAR, "HTTP 500"), id="500 without words"
        ),
        pytest.param(
            answered("channel_not_found", 503),
            Outcome(Reaction.UNCLEAR, "channel_not_found"),
            id="a 5xx is unclear whatever it says",
        ),
        pytest.param(
            SlackApiError("not JSON", {}), Outcome(Reaction.UNCLEAR, "HTTP 0"), id="broken JSON"
        ),
        pytest.param(
            answered("internal_error"),
            Outcome(Reaction.UNCLEAR, "internal_error"),
            id="Slack failed inside",
        ),
        pytest.param(
            answered("ratelimited", 429, {"Retry-After": "7"}),
            Outcome(Reaction.WAIT, "ratelimited", timedelta(seconds=8)),
            id="429 names the time, and we add a second",
        ),
        pytest.param(
            answered(None, 429),
            Outcome(Reaction.WAIT, "ratelimited", timedelta(seconds=31)),
            id="429 without a header waits half a minute",
        ),
        pytest.param(
            answered("ratelimited", 429, {"retry-after": "soon"}),
            Outcome(Reaction.WAIT, "ratelimited", timedelta(seconds=31)),
            id="a header that is no number is no header",
        ),
        pytest.param(
            answered("rate_limited"),
            Outcome(Reaction.WAIT, "rate_limited", timedelta(seconds=31)),
            id="the other spelling means the same",
        ),
        pytest.param(
            answered("a_code_of_next_year"),
            Outcome(Reaction.REFUSED, "a_code_of_next_year"),
            id="a code nobody knows was still an answer, so nothing was posted",
        ),
        pytest.param(
            answered("is_archived"), Outcome(Reaction.CHANNEL, "is_archived"), id="archived"
        ),
        pytest.param(
            answered("message_not_found"), Outcome(Reaction.GONE, "message_not_found"), id="gone"
        ),
        pytest.param(
            answered("token_revoked"), Outcome(Reaction.PAUSE, "token_revoked"), id="revoked"
        ),
    ],
)
def test_an_error_has_one_reaction(error: Exception, outcome: Outcome) -> None:
    assert isinstance(error, TROUBLES)
    assert judge(error) == outcome


def test_no_code_has_two_reactions() -> None:
    counted = Counter(code for codes in CODES.values() for code in codes)

    assert [code for code, times in counted.items() if times > 1] == []


def test_what_is_kept_of_an_error_holds_no_secret() -> None:
    assert SECRET not in repr(judge(answered("invalid_auth")))


@pytest.mark.parametrize("method", USED)
def test_every_published_code_of_the_methods_used_is_in_the_table(
    method: str, shared: Path
) -> None:
    contract = shared / "data" / "slack-api" / "methods" / f"{method}.json"
    published = set(json.loads(contract.read_text("utf-8"))["errors"])

    assert published - READING_ONLY - set(MEANING) == set()


def test_codes_that_any_method_may_answer_are_in_the_table() -> None:
    common = {
        *("invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired"),
        *("missing_scope", "ratelimited", "internal_error", "fatal_error", "service_unavailable"),
        *("request_timeout", "invalid_arguments", "org_login_required", "no_permission"),
    }

    assert common <= set(MEANING)
