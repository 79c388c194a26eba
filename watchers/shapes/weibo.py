"""Posts of Weibo and its error codes, as its interfaces answer them (sources.md 4.1, 4.2, 4.7).

What older and neighbouring interfaces answer is read as well, since a gateway is known to pass such
bodies through.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from watchers.http import Http, Reply, reset_time
from watchers.model import Author, Kind, Outcome, Post
from watchers.sitetext import count, fields, line, name, plain, truth
from watchers.timetext import read_time

# codes of the gateway (words) and of the older interfaces (numbers)
CODES = {
    "SERVICE_REQUIRED": Outcome.PLAN_REQUIRED,
    "TRIAL_EXPIRED": Outcome.PLAN_REQUIRED,
    "10014": Outcome.PLAN_REQUIRED,
    "UNAUTHORIZED": Outcome.AUTH_REQUIRED,
    "INVALID_TOKEN": Outcome.AUTH_REQUIRED,
    "TOKEN_EXPIRED": Outcome.AUTH_REQUIRED,
    "FORBIDDEN": Outcome.AUTH_REQUIRED,
    "10006": Outcome.AUTH_REQUIRED,
    "21301": Outcome.AUTH_REQUIRED,
    "21327": Outcome.AUTH_REQUIRED,
    "21332": Outcome.AUTH_REQUIRED,
    "TOO_MANY_REQUESTS": Outcome.RATE_LIMITED,
    "10022": Outcome.RATE_LIMITED,
    "10023": Outcome.RATE_LIMITED,
    "10024": Outcome.RATE_LIMITED,
    "INSUFFICIENT_CREDITS": Outcome.QUOTA_EXHAUSTED,
    "CREDITS_EXHAUSTED": Outcome.QUOTA_EXHAUSTED,
}
_WORD = re.compile(r"[0-9A-Za-z_-]{1,64}")  # an id stands in an address as it is
RATE_WAIT = timedelta(minutes=1)
LISTS = ("statuses", "items", "list", "reposts")


def error_code(body: object) -> str | None:
    """Return the code of the error in BODY, which may also come with status 200; None: none."""
    top = fields(body)
    if top.get("ok") == -100:
        return "UNAUTHORIZED"
    if top.get("ok") == 0 and "频繁" in str(top.get("msg", "")):
        return "TOO_MANY_REQUESTS"
    if fields(top.get("service")).get("state") == "trial_expired":
        return "TRIAL_EXPIRED"
    error = top.get("error")
    if not error:
        return None
    code = fields(error).get("code") or top.get("error_code") or error
    return str(code)[:60]


def judged(http: Http, reply: Reply, now: datetime, mends: Mapping[Outcome, str]) -> object:
    """Return the JSON of REPLY unless it is an error, whatever its status says.

    Raises SourceTrouble with what the code means; MENDS say what to do about it.
    """
    code = error_code(reply.loose)
    if code is None:
        return http.json(reply, now)
    numbered = str(fields(reply.loose).get("error_code", ""))
    outcome = CODES.get(numbered) or CODES.get(code.upper())
    if outcome is None:
        http.require(reply, now)
        outcome = Outcome.SCHEMA_CHANGED
    until = None
    if outcome is Outcome.RATE_LIMITED:
        until = reset_time(reply.headers, now) or now + RATE_WAIT
    detail = f"{reply.host} answered {numbered or line(code)[:60]}"
    if outcome in mends:
        detail = f"{detail}: {mends[outcome]}"
    raise http.trouble(reply, outcome, until, detail)


def statuses(body: object, depth: int = 0) -> list[object] | None:
    """Return the raw posts in BODY, wherever the interface keeps them; None: nowhere."""
    top = fields(body)
    for key in LISTS:
        if isinstance(found := top.get(key), list):
            return found
    if isinstance(cards := top.get("cards"), list):
        return list(_from_cards(cards))
    if isinstance(found := top.get("data"), list):
        return found
    if depth < 3:
        for key in ("result", "data"):
            if (inner := statuses(top.get(key), depth + 1)) is not None:
                return inner
    return None


def _from_cards(cards: list[object], depth: int = 0) -> Iterator[object]:
    for card in map(fields, cards):
        if "mblog" in card:
            yield card["mblog"]
        group = card.get("card_group")
        if isinstance(group, list) and depth < 3:
            yield from _from_cards(group, depth + 1)


def total_of(body: object, depth: int = 0) -> int | None:
    """Return how many posts the source says there are."""
    top = fields(body)
    if (total := count(top.get("total_number"))) is not None or depth == 3:
        return total
    inner = (total_of(top[k], depth + 1) for k in ("result", "data") if k in top)
    return next((t for t in inner if t is not None), None)


def read_statuses(
    found: list[object], now: datetime
) -> tuple[tuple[Post, ...], tuple[str, ...], int]:
    """Return the posts of FOUND in its order, the ids that are gone, and how many made no sense."""
    posts: list[Post] = []
    deleted: list[str] = []
    bad = 0
    for raw in map(fields, found):
        id_ = _id(raw)
        quoted = fields(raw.get("retweeted_status"))
        if _gone(quoted) and (gone := _id(quoted)):
            deleted.append(gone)
        if not id_:
            bad += 1
        elif _gone(raw):
            deleted.append(id_)
        elif (post := read_status(raw, now)) is None:
            bad += 1
        else:
            posts.append(post)
    return tuple(posts), tuple(deleted), bad


def read_status(raw: dict[str, object], now: datetime) -> Post | None:
    """Return the post that RAW is; None where it has neither an id nor text of its own."""
    id_, text = _id(raw), raw.get("text_raw") or raw.get("text")
    if not id_ or not isinstance(text, str):
        return None
    cut = ">全文<" in text  # the link to the rest
    quoted = fields(raw.get("retweeted_status"))
    created, precision = read_time(raw.get("created_at"), now)
    return Post(
        source="weibo",
        id=id_,
        url=f"https://weibo.com/detail/{id_}",
        text=plain(text).removesuffix("全文") if cut else plain(text),
        author=_author(fields(raw.get("user")), now),
        created_at=created,
        created_precision=precision,
        retrieved_at=now,
        quoted=plain(quoted.get("text_raw") or quoted.get("text")) if not _gone(quoted) else "",
        reposts=count(raw.get("reposts_count")),
        comments=count(raw.get("comments_count")),
        likes=count(raw.get("attitudes_count")),
        parent_id=_id(quoted) or None,
        kind=Kind.REPOST if quoted else Kind.POST,
        partial_text=cut or True in (truth(raw.get("isLongText")), truth(raw.get("truncated"))),
        terms_class="official",
    )


def _id(raw: Mapping[str, object]) -> str:
    ids = (name(raw.get(key)) for key in ("idstr", "id", "mid"))
    return next(filter(_WORD.fullmatch, ids), "")


def _gone(raw: Mapping[str, object]) -> bool:
    """Deleted, or hidden: `visible` is an object as a rule and literally false then."""
    flags = (truth(raw.get("deleted")), truth(raw.get("is_deleted")))
    return True in flags or raw.get("visible") is False


def _author(raw: Mapping[str, object], now: datetime) -> Author:
    handle = line(raw.get("screen_name") or raw.get("name"))[:100]
    return Author(
        id=name(raw.get("idstr")) or name(raw.get("id")) or handle,
        handle=handle,
        display=handle,
        followers=count(raw.get("followers_count")),
        verified=truth(raw.get("verified")),
        since=read_time(raw.get("created_at"), now)[0],
    )
