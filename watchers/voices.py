"""Who speaks: which accounts and publishers carry a story to a later stage.

A name is matched whole or as the beginning or end of a name, as such accounts call themselves
("平安示例市", "示例市市场监督管理局"). The list is short on purpose: a missed voice costs a
stage, a wrong one pages people at night.
"""

from watchers.model import Kind, Quote, Stage

STATE_MEDIA = (
    "人民日报", "人民网", "新华社", "新华网", "央视", "CCTV", "中央电视台", "光明日报", "经济日报",
    "环球时报", "中国日报", "China Daily", "People's Daily", "Xinhua", "Global Times", "共青团中央",
    "中国新闻社", "中新社", "中国新闻网",
)  # fmt: skip
NEWSPAPERS_AND_TV = ("日报", "晚报", "晨报", "早报", "都市报", "卫视", "电视台", "广播")
AUTHORITIES_END = (
    "市场监督管理局", "市场监管局", "市监局", "网信办", "公安局", "人民法院", "检察院", "药监局",
    "应急管理局", "生态环境局", "卫健委", "消费者协会", "消保委", "证监会", "证监局", "银保监局",
)  # fmt: skip
AUTHORITIES_BEGIN = ("平安", "网信")


def _named(name: str, names: tuple[str, ...]) -> bool:
    return any(name == n or name.startswith(n) or name.endswith(n) for n in names)


def state_media(quote: Quote) -> bool:
    """Whether a state medium published it (an unverified account of that name does not count)."""
    published = quote.kind is Kind.ARTICLE or bool(quote.verified)
    return published and _named(quote.who, STATE_MEDIA)


def voice(quote: Quote) -> Stage:
    """Return the stage that QUOTE proves by who speaks; SEED for an ordinary account."""
    if quote.verified and (
        quote.who.endswith(AUTHORITIES_END) or quote.who.startswith(AUTHORITIES_BEGIN)
    ):
        return Stage.OFFICIAL
    if state_media(quote):
        return Stage.PRESS
    if quote.kind is Kind.ARTICLE:
        return Stage.PRESS if quote.who.endswith(NEWSPAPERS_AND_TV) else Stage.PORTAL
    loud = quote.professional or quote.kind is Kind.HOT
    return Stage.AMPLIFY if loud else Stage.SEED
