"""Statuses of Mastodon, as search, timelines and streams give them (sources.md 4.6)."""

from collections.abc import Mapping
from datetime import datetime

from watchers.model import Author, Kind, Post
from watchers.sitetext import address, count, fields, line, name, plain, truth
from watchers.timetext import read_time


def read_status(raw: object, now: datetime) -> Post | None:
    """Return the post that RAW is; None where it makes no sense, or its author is not to be found."""
    status = fields(raw)
    if hidden(raw):
        return None
    shared = fields(status.get("reblog"))
    quoted = shared or fields(fields(status.get("quote")).get("quoted_status"))
    id_, who = name(status.get("id")), fields(status.get("account"))
    content = status.get("content")
    if not id_ or not isinstance(content, str) or not who:
        return None
    created, precision = read_time(status.get("created_at"), now)
    parent = name(quoted.get("id")) or name(status.get("in_reply_to_id"))
    replies = bool(name(status.get("in_reply_to_id")))
    warning = line(status.get("spoiler_text"))
    return Post(
        source="mastodon",
        id=id_,
        url=address(status.get("url")) or address(status.get("uri")),
        text="" if shared else "\n".join(filter(None, (warning, plain(content)))),
        author=_author(who, now),
        created_at=created,
        created_precision=precision,
        retrieved_at=now,
        quoted=plain(quoted.get("content")) or line(fields(status.get("card")).get("title")),
        reposts=count(status.get("reblogs_count")),
        comments=count(status.get("replies_count")),
        likes=count(status.get("favourites_count")),
        parent_id=parent or None,
        kind=Kind.REPOST if quoted else Kind.REPLY if replies else Kind.POST,
        lang=name(status.get("language"))[:8] or None,
        terms_class="official",
    )


def hidden(raw: object) -> bool:
    """Did the author ask not to be indexed?"""
    return truth(fields(fields(raw).get("account")).get("noindex")) is True


def _author(who: Mapping[str, object], now: datetime) -> Author:
    handle = line(who.get("acct") or who.get("username"))[:300]
    return Author(
        id=name(who.get("id")) or handle,
        handle=handle,
        display=line(who.get("display_name"))[:100],
        followers=count(who.get("followers_count")),
        since=read_time(who.get("created_at"), now)[0],
    )


def clocked(post: Post) -> bool:
    """Does the id of POST hold milliseconds above 16 bits, as Mastodon's own do?"""
    if post.created_at is None or not post.id.isdigit():
        return False
    return abs((int(post.id) >> 16) / 1000 - post.created_at.timestamp()) < 86400
