"""Platforms that only tests serve, in the shapes that sources.md gives; no recordings.

One file a platform, with a function that builds it, and one line below.
"""

from collections.abc import Callable

from bot.demo.platforms import Clock, Served
from tests.watchers.sources.served.jetstream import jetstream
from tests.watchers.sources.served.mastodon_stream import mastodon_stream
from tests.watchers.sources.served.provider import provider, webhook
from tests.watchers.sources.served.sinaroll import sinaroll
from tests.watchers.sources.served.websearch import gdelt, qianfan, wsa
from tests.watchers.sources.served.weibo_business import weibo_business
from tests.watchers.sources.served.weibo_page import weibo_page
from tests.watchers.sources.served.x import x
from tests.watchers.sources.served.zhihu import zhihu, zhihuweb

SERVED: tuple[Callable[[Clock], Served], ...] = (
    jetstream,
    mastodon_stream,
    provider,
    webhook,
    sinaroll,
    weibo_business,
    weibo_page,
    wsa,
    qianfan,
    gdelt,
    x,
    zhihu,
    zhihuweb,
)
