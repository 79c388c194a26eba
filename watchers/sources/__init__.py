"""The sources there are. A new one is one file beside this and one line below."""

from collections.abc import Mapping

from watchers.connector import Description, Setting, Source, SourceRow
from watchers.http import Http
from watchers.sources import (
    bluesky,
    feed,
    gdelt,
    hotlist,
    jetstream,
    mastodon,
    mastodon_stream,
    provider,
    qianfan,
    sinaroll,
    webhook,
    weibo,
    weibo_business,
    weibo_page,
    wsa,
    x,
    zhihu,
    zhihuweb,
)

__all__ = ["SOURCES", "Description", "Setting", "Source", "SourceRow", "registry", "set_up"]


def registry(*rows: SourceRow) -> dict[str, SourceRow]:
    """Return ROWS by name; raises ValueError where two share a name or a setting."""
    names = [row.name for row in rows] + [s.name for row in rows for s in row.settings]
    if twice := sorted({n for n in names if names.count(n) > 1}):
        raise ValueError(twice)
    return {row.name: row for row in rows}


SOURCES = registry(
    weibo.ROW,
    weibo_business.ROW,
    zhihu.ROW,
    zhihuweb.ROW,
    bluesky.ROW,
    jetstream.ROW,
    mastodon.ROW,
    mastodon_stream.ROW,
    x.ROW,
    feed.ROW,
    hotlist.ROW,
    sinaroll.ROW,
    wsa.ROW,
    qianfan.ROW,
    provider.ROW,
    webhook.ROW,
    gdelt.ROW,
    weibo_page.ROW,
)


def set_up(http: Http, settings: Mapping[str, str]) -> dict[str, Source]:
    """Build every source whose required SETTINGS are given; raises BadSetting."""
    return {n: row.make(http, settings) for n, row in SOURCES.items() if row.ready(settings)}
