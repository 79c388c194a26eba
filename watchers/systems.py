"""The systems that the founding article of 2011 names: which live, which closed, what took over.

Knows sources by their names alone. Dates and proofs stand in sources.md, section 2.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """A place where Chinese crises began, echoed or boomed, and what can honestly feed it today."""

    name: str
    name_zh: str
    closed: str = ""  # when, in words; empty: it lives
    successor: str = ""  # of a closed one, or the new name of one that lives
    sources: tuple[str, ...]  # in the order in which to set them up

    @property
    def today(self) -> str:
        """Say since when it is closed, if it is, and what took over or what it is called now."""
        when = self.closed if self.closed.startswith("closed") else f"closed {self.closed}"
        return " → ".join(filter(None, [when if self.closed else "", self.successor]))


SYSTEMS = (
    System(name="Sina Weibo", name_zh="新浪微博", sources=("weibo", "weibo_business")),
    System(
        name="Tencent microblog",
        name_zh="腾讯微博",
        closed="28 September 2020",
        successor="Tencent's open web: 企鹅号, Tencent News and its hot list",
        sources=("wsa", "zhihuweb", "hotlist"),
    ),
    System(
        name="Sohu microblog",
        name_zh="搜狐微博",
        closed="closed; the day is not known",
        successor="sohu.com and 搜狐号",
        sources=("zhihuweb", "qianfan"),
    ),
    System(
        name="NetEase microblog",
        name_zh="网易微博",
        closed="5 November 2014",
        successor="163.com and its hot list",
        sources=("zhihuweb", "hotlist"),
    ),
    System(name="Twitter", name_zh="推特", successor="X", sources=("x",)),
    System(name="Sina portal", name_zh="新浪网", sources=("sinaroll", "zhihuweb", "hotlist")),
    System(name="Sohu portal", name_zh="搜狐网", sources=("zhihuweb", "qianfan")),
    System(name="NetEase portal", name_zh="网易", sources=("zhihuweb", "hotlist", "qianfan")),
    System(name="Tencent portal", name_zh="腾讯网", sources=("wsa", "zhihuweb", "hotlist")),
    System(name="People's Daily", name_zh="人民日报", sources=("zhihuweb", "qianfan", "feed")),
    System(name="China Daily", name_zh="中国日报", sources=("zhihuweb", "qianfan", "feed")),
    System(
        name="newspapers and TV",
        name_zh="报纸、电视",
        sources=("feed", "zhihuweb", "wsa", "qianfan", "gdelt"),
    ),
)


def closed_words(system: System, *, watched: bool) -> str:
    """Return when SYSTEM closed, what took over, and whether that is WATCHED."""
    state = "watched" if watched else f"not watched: set up {system.sources[0]}"
    return f"{system.name} {system.name_zh}: {system.today} ({state})"
