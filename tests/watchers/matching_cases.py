"""Posts that must and must not match: the 51 cases of the matching rules, and four clients.

Brands, accounts and posts are invented.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum

from watchers.model import Author, Client, Kind, Post, Tone

NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)

CLIENTS = (
    Client(
        id="K1",
        name="骑云",  # a ride app
        names=("骑云", "Qiyun", "马奇云", "骑☁️", "@骑云官方"),
        ambiguous=("小骑",),
        companions=("打车", "叫车", "司机", "订单", "客服", "App"),
        exclude=("骑云南", "齐云山", "气晕"),
        own_accounts=("weibo:骑云官方",),
    ),
    Client(
        id="K2",
        name="奥岚",  # heaters
        names=("奥岚", "Aulane"),
        companions=("取暖器", "暖风机", "门店"),
        exclude=("奥兰多",),
    ),
    Client(
        id="K3",
        name="北桥银行",
        names=("北桥银行", "Norbridge Bank"),
        ambiguous=("北桥",),
        initials=("bqyh",),
        companions=("银行", "转账", "取钱", "存款"),
        exclude=("北桥街道",),
    ),
    Client(
        id="K4",
        name="欧薇尔",  # fashion and cosmetics
        names=("欧薇尔", "Orvelle"),
        ambiguous=("O家",),
        companions=("包", "专柜", "官网"),
    ),
)


class Hit(Enum):
    """Does the post speak of the client?"""

    YES = "yes"
    NO = "no"
    QUOTED = "quoted"  # only in what it repeats


@dataclass(frozen=True)
class Case:
    number: int
    client: str
    text: str
    hit: Hit
    why: str
    has: str = ""  # crisis types that must be found
    lacks: str = ""
    tone: Tone = Tone.NEUTRAL
    author: str = "示例甲"

    def __str__(self) -> str:
        return f"{self.number} {self.why}"


def post(
    text: str,
    id_: str = "1",
    *,
    author: str = "示例甲",
    source: str = "weibo",
    at: datetime = NOON,
    kind: Kind = Kind.POST,
    parent: str | None = None,
    quoted: str = "",
) -> Post:
    return Post(
        source=source,
        id=id_,
        url=f"https://example.com/{id_}",
        text=text,
        quoted=quoted,
        author=Author(id=author, handle=author),
        created_at=at,
        retrieved_at=at,
        kind=kind,
        parent_id=parent,
    )


# fmt: off
CASES = (
    Case(1, "K1", "骑云又崩了，打不开", Hit.YES, "plain name; strong term 又崩了", has="outage"),
    Case(2, "K1", "騎雲又當機了", Hit.YES, "traditional script; 当机 is Taiwan's word for 宕机", has="outage"),
    Case(3, "K1", "ＱＩＹＵＮ扣我两次钱", Hit.YES, "full-width capitals fold"),
    Case(4, "K1", "骑\u200b云乱扣款", Hit.YES, "zero-width character dropped"),
    Case(5, "K1", "骑*云司机绕路", Hit.YES, "one mark inside the name is bridged"),
    Case(6, "K1", "他每天去骑。云很低", Hit.NO, "a sentence mark is never bridged"),
    Case(7, "K1", "周末骑云南的山路", Hit.NO, "excluded phrase that cuts no word (骑/云南)"),
    Case(8, "K1", "骑云南昌开城，招司机", Hit.YES, "骑云/南昌: the exclusion 骑云南 would cut a word, so it must not blank"),
    Case(9, "K1", "周日去骑云雾山环线", Hit.NO, "骑/云雾山: boundary inside the name, end inside a word"),
    Case(10, "K1", "骑yun司机态度差", Hit.YES, "one character in pinyin = same-sound string; companion 司机"),
    Case(11, "K1", "qiyun客服电话打不通", Hit.YES, "full pinyin; Chinese character is a boundary"),
    Case(12, "K1", "打车师傅绕路，把我气晕了", Hit.NO, "same toneless sound, excluded; companion 打车 does not rescue it"),
    Case(13, "K1", "其云叫车乱收费", Hit.YES, "same sound with companion 叫车"),
    Case(14, "K1", "马奇云司机绕路", Hit.YES, "split character, listed alias"),
    Case(15, "K1", "骑☁️又涨价了", Hit.YES, "emoji alias; with or without variation selector"),
    Case(16, "K1", "小骑兵玩具到货", Hit.NO, "ambiguous nickname inside a longer word, no companion"),
    Case(17, "K1", "小骑司机半路甩客", Hit.YES, "ambiguous nickname with companion"),
    Case(18, "K1", "#骑云大数据杀熟#", Hit.YES, "hashtag text counts", has="consumer_rights"),
    Case(19, "K1", "@骑云官方 什么时候退款", Hit.YES, "listed mention counts; 退款 alone is weak, so no type"),
    Case(20, "K1", "转发微博 //@示例丁: 骑云崩了", Hit.QUOTED, "only the quoted part matches: joins the cluster, not a new post"),
    Case(21, "K1", "骑云新版今日上线", Hit.NO, "own voice is left out", author="骑云官方"),
    Case(22, "K1", "看这个 https://example.com/qiyun?id=3", Hit.NO, "URLs are cut first"),
    Case(23, "K2", "Aulane heater recall in Germany?", Hit.YES, "English name and term", has="product_safety"),
    Case(24, "K2", "周末喝了两杯Paulaner", Hit.NO, "'aulane' inside a beer's name"),
    Case(25, "K2", "Aulané取暖器有异味", Hit.YES, "accent folded"),
    Case(26, "K2", "傲岚取暖器半夜自燃", Hit.YES, "same sound, companion 取暖器", has="product_safety"),
    Case(27, "K2", "奥兰多今晚客场比赛", Hit.NO, "奥兰 sounds the same; excluded, no companion"),
    Case(28, "K2", "奥兰暖风机自ran了，吓死", Hit.YES, "same sound with companion; listed evasion with negative tone", has="product_safety", tone=Tone.NEGATIVE),
    Case(29, "K2", "皋兰路gaolan站封闭", Hit.NO, "letter to the left of 'aolan'"),
    Case(30, "K2", "奥岚取暖器外观很自然", Hit.YES, "自然 sounds like 自燃: risk terms have no same-sound match", lacks="product_safety"),
    Case(31, "K3", "北桥转账三小时没到账", Hit.YES, "ambiguous nickname with companion 转账"),
    Case(32, "K3", "北桥街道明天停水", Hit.NO, "place; excluded"),
    Case(33, "K3", "湖北桥梁检修封路", Hit.NO, "湖北/桥梁: boundary inside"),
    Case(34, "K3", "bqyh取钱排了三天", Hit.YES, "initials of four letters with companion"),
    Case(35, "K3", "今天又看到BQYH", Hit.NO, "initials alone never suffice"),
    Case(36, "K4", "O家新包掉色，专柜不认", Hit.YES, "'X家' nickname with companion"),
    Case(37, "K4", "今天NO家务日", Hit.NO, "letter to the left of 'O家'"),
    Case(38, "K4", "歐薇爾官網把台灣列為國家", Hit.YES, "script folded for name and risk term", has="national_sentiment"),
    Case(39, "K4", "欧 薇 尔 滚出中国", Hit.YES, "spaces bridged because a strong risk term is the companion", has="national_sentiment"),
    Case(40, "K1", "赶骑云去考试，心态崩了", Hit.YES, "心态崩了 is blanked", lacks="outage"),
    Case(41, "K1", "骑云App又给我崩了", Hit.YES, "seed exclusion 我崩了 is too short and must not blank this", has="outage"),
    Case(42, "K1", "骑云的发票寄了吗", Hit.YES, "evasion 寄了 is weak; no second hit, tone neutral", lacks="outage"),
    Case(43, "K1", "2024了骑云还没夜间模式", Hit.YES, "evasion 4了 with a digit before it", lacks="outage"),
    Case(44, "K1", "骑云订单号9961502", Hit.YES, "996 and 502 inside a longer number", lacks="outage labour"),
    Case(45, "K1", "用502胶水粘好骑云钥匙扣", Hit.YES, "502 is glue: exclude 502胶水 (502胶 would cut the word 胶水)", lacks="outage"),
    Case(46, "K2", "打开盒子，奥岚取暖器真好看", Hit.YES, "开盒 across 打开/盒子; the type starts at S1, so this would page", lacks="data_breach"),
    Case(47, "K4", "欧薇尔身体乳滑滑的很好用", Hit.YES, "evasion 乳滑 in body-lotion talk, S1 type: exclude 身体乳", lacks="national_sentiment"),
    Case(48, "K4", "欧薇尔满减，别贪小便宜", Hit.YES, "小便 inside 小便宜: exclude it", lacks="food_safety"),
    Case(49, "K1", "骑云毕业了三百人，只赔N+1", Hit.YES, "weak 毕业 plus strong N+1", has="labour"),
    Case(50, "K1", "官媒点名表扬骑云", Hit.YES, "praise: treat 官媒点名 as weak", lacks="national_sentiment"),
    Case(51, "K1", "骑云真棒，让我在雨里等一小时", Hit.YES, "irony: tone negative or unsure, never positive"),
)
# fmt: on
