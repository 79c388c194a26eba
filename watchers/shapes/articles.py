"""An article as searches of the web and rolls of news tell of it: title, excerpt, link, publisher."""

from datetime import datetime, timedelta
from urllib.parse import urlsplit

from watchers.model import Author, Kind, Post
from watchers.sitetext import address, canonical, line, link_id, plain

UNKNOWN = (None, timedelta())


def article(
    source: str,
    *,
    url: object,
    title: object,
    text: object = "",
    publisher: object = "",
    published: tuple[datetime | None, timedelta] = UNKNOWN,
    now: datetime,
    terms_class: str,
) -> Post | None:
    """Return the article of SOURCE, whose fields are as they came; None: no title or no link.

    PUBLISHED is the time and how exact it is, as `read_time` tells. Its id is its address, without
    what changes from answer to answer; without a publisher the site's name stands for one.
    """
    link, head, body = address(url), line(title), plain(text)
    if not link or not head:
        return None
    name = line(publisher)[:60] or _host(link)
    created, precision = published
    return Post(
        source=source,
        id=link_id(link),
        url=canonical(link),
        text="\n".join(filter(None, [head, body if body != head else ""])),
        author=Author(id=name, handle=name, display=name),
        created_at=created,
        created_precision=precision,
        retrieved_at=now,
        kind=Kind.ARTICLE,
        lang=None,
        partial_text=True,
        publisher=name,
        terms_class=terms_class,
    )


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
