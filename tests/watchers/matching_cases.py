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

# Each rule from both sides.
FURTHER = (
    # whose words
    Case(101, "K1", "太过分了//@示例丁:骑云司机甩客", Hit.QUOTED, "own words do not name it, the repeated ones do"),
    Case(102, "K1", "骑云又来了//@示例丁:今天天气不错", Hit.YES, "own words name it"),
    Case(103, "K1", "小骑又来了//@示例丁:司机半路甩客", Hit.YES, "the repeated words lend a companion"),
    Case(104, "K1", "司机真多//@示例丁:小骑又来了", Hit.NO, "own words lend no companion to the repeated ones"),
    Case(105, "K1", "RT @example: 骑云 is down", Hit.QUOTED, "a repost on other platforms"),
    Case(106, "K1", "转发微博//@骑云打工人:今天天气不错", Hit.NO, "the name of who is repeated is no mention"),
    Case(107, "K1", "回复@骑云打工人:今天天气不错", Hit.NO, "nor the name of who is answered"),
    Case(108, "K1", "@骑云客服 还钱", Hit.YES, "an account that is called upon is one"),
    Case(109, "K1", "@骑云官方 出来说话", Hit.YES, "the client's own account, called upon"),
    Case(110, "K1", "骑云司机招募中", Hit.NO, "own account in other letters", author="@骑雲官方"),
    Case(111, "K2", "奥岚门店联名骑云", Hit.YES, "one client's account may speak of another", author="骑云官方"),
    # what is cut
    Case(112, "K1", "https://qiyun.example.com/pay", Hit.NO, "a host is part of the address"),
    Case(113, "K1", "t.example.cn/qiyun 这个", Hit.NO, "an address without its scheme"),
    Case(114, "K1", "链接https://example.com/a骑云崩了", Hit.YES, "Chinese right behind an address is text"),
    Case(115, "K1", "www.example.com/qiyun", Hit.NO, "an address that begins with www"),
    Case(116, "K1", "qiyun.com打不开了", Hit.YES, "a bare site name is what people call it"),
    Case(117, "K1", "吃饭去 来自骑云手机客户端", Hit.NO, "a device tag"),
    Case(118, "K1", "今天不错 📍骑云大厦", Hit.NO, "a place tag"),
    Case(119, "K1", "我在骑云大厦门口等司机", Hit.YES, "a sentence that only begins like a place tag"),
    # folding
    Case(120, "K1", "ｑｉｙｕｎ的司机", Hit.YES, "full-width letters"),
    Case(121, "K1", "QiYun的司机", Hit.YES, "letter case"),
    Case(122, "K1", "騎雲司機繞路", Hit.YES, "traditional script"),
    Case(123, "K1", "骑\u200d云崩了", Hit.YES, "zero-width joiner"),
    Case(124, "K1", "骑\ufeff云崩了", Hit.YES, "byte order mark"),
    Case(125, "K1", "骑\u00ad云崩了", Hit.YES, "soft hyphen"),
    Case(126, "K1", "骑☁又涨价了", Hit.YES, "emoji without its variation selector"),
    Case(127, "K1", "骑☁\ufe0e又涨价了", Hit.YES, "emoji as text"),
    Case(128, "K1", "骑🌧️又涨价了", Hit.NO, "another emoji"),
    Case(129, "K2", "AULANÉ Heizung", Hit.YES, "capital with accent"),
    Case(130, "K2", "Aulane\u0301取暖器", Hit.YES, "accent as a character of its own"),
    Case(131, "K2", "Aulàne stores", Hit.YES, "another accent"),
    Case(132, "K4", "歐薇爾專櫃", Hit.YES, "all characters traditional"),
    Case(133, "K4", "欧薇爾專柜", Hit.YES, "scripts mixed inside the name"),
    Case(134, "K3", "ＢＱＹＨ取钱", Hit.YES, "initials in full width"),
    Case(135, "K3", "Norbridge\u3000Bank is closed", Hit.YES, "an ideographic space between words"),
    # exclusions
    Case(136, "K1", "齐云山打车很方便", Hit.NO, "an excluded mountain that sounds the same"),
    Case(137, "K1", "齐云山下骑云司机很多", Hit.YES, "only the excluded place is blanked"),
    Case(138, "K1", "骑云南山路的司机", Hit.NO, "excluded, and a companion does not rescue it"),
    Case(139, "K1", "騎雲南的山路", Hit.NO, "an exclusion in the other script"),
    Case(140, "K1", "骑*云南的山路", Hit.NO, "a mark does not bridge into an excluded phrase"),
    Case(141, "K2", "奥兰多门店开业", Hit.NO, "the excluded town, beside a companion"),
    Case(142, "K2", "奥兰门店开业", Hit.YES, "the same sound, not excluded"),
    Case(143, "K3", "北桥街道银行排队", Hit.NO, "an excluded place beside a companion"),
    Case(144, "K3", "北桥街边的银行排队", Hit.YES, "not the excluded place"),
    Case(145, "K1", "气晕我了，骑云司机又绕路", Hit.YES, "the exclusion blanks itself alone"),
    # Latin letters and digits
    Case(146, "K1", "qiyunfan今天发车", Hit.NO, "a letter to the right"),
    Case(147, "K1", "myqiyun今天发车", Hit.NO, "a letter to the left"),
    Case(148, "K1", "qiyun2今天发车", Hit.NO, "a digit to the right"),
    Case(149, "K1", "我爱qiyun，真的", Hit.YES, "Chinese and a mark are boundaries"),
    Case(150, "K1", "(Qiyun)", Hit.YES, "brackets are boundaries"),
    Case(151, "K1", "#Qiyun#", Hit.YES, "hashtag signs are boundaries"),
    Case(152, "K2", "aulane's heater", Hit.YES, "an apostrophe is a boundary"),
    Case(153, "K2", "aulanes", Hit.NO, "a plural is another word"),
    Case(154, "K3", "Norbridge Bankers Club", Hit.NO, "the last word goes on"),
    Case(155, "K3", "norbridge bank倒闭了吗", Hit.YES, "lower case, Chinese behind"),
    Case(156, "K4", "这是O家专柜", Hit.YES, "Chinese to the left of a letter"),
    Case(157, "K4", "2O家专柜", Hit.NO, "a digit to the left of a letter"),
    # marks and spaces
    Case(158, "K1", "骑/云崩了", Hit.YES, "a stroke is bridged"),
    Case(159, "K1", "骑·云崩了", Hit.YES, "a middle dot is bridged"),
    Case(160, "K1", "骑・云崩了", Hit.YES, "a dot of another keyboard is bridged"),
    Case(161, "K1", "骑-云崩了", Hit.YES, "a hyphen is bridged"),
    Case(162, "K1", "骑_云崩了", Hit.YES, "a low line is bridged"),
    Case(163, "K1", "骑.云崩了", Hit.YES, "a full stop inside a word is bridged"),
    Case(164, "K1", "骑|云崩了", Hit.YES, "a bar is bridged"),
    Case(165, "K1", "骑丨云崩了", Hit.YES, "a character that looks like a bar is bridged"),
    Case(166, "K1", "骑～云崩了", Hit.YES, "a wide tilde is bridged"),
    Case(167, "K1", "骑**云涨价", Hit.NO, "two marks are not bridged"),
    Case(168, "K1", "骑，云涨价", Hit.NO, "a comma is not bridged"),
    Case(169, "K1", "骑！云涨价", Hit.NO, "an exclamation mark is not bridged"),
    Case(170, "K1", "骑\n云涨价", Hit.NO, "a line end is not bridged"),
    Case(171, "K1", "骑\n云司机", Hit.NO, "a line end is not bridged beside a companion either"),
    Case(172, "K1", "骑 云涨价了", Hit.NO, "a space without a companion is not bridged"),
    Case(173, "K1", "骑 云司机绕路", Hit.YES, "a space with a companion is bridged"),
    Case(174, "K4", "欧*薇*尔专柜", Hit.YES, "one mark in each place"),
    Case(175, "K4", "欧 薇 尔好看", Hit.NO, "spaces and nothing beside them"),
    Case(176, "K1", "小*骑司机", Hit.YES, "a nickname with a mark and a companion"),
    Case(177, "K1", "其*云司机绕路", Hit.YES, "same sound, a mark, a companion"),
    Case(178, "K1", "其 云司机绕路", Hit.NO, "same sound and a space is too far"),
    # words
    Case(179, "K1", "骑云梯上去了", Hit.NO, "骑/云梯: an end inside a word"),
    Case(180, "K1", "坐骑云集的大会", Hit.NO, "both ends inside words"),
    Case(181, "K1", "骑云会员涨价", Hit.YES, "no word is cut"),
    Case(182, "K3", "北桥银行长辞职", Hit.YES, "one end would cut 行长, but 北桥银行 is a name of its own words"),
    Case(183, "K3", "湖北桥头堡的银行", Hit.NO, "湖北/桥头堡 beside a companion"),
    Case(184, "K1", "大小骑手都在等订单", Hit.NO, "大小/骑手: the nickname across two words"),
    Case(185, "K1", "小骑，订单呢", Hit.YES, "the nickname as a word of its own"),
    # kinds and companions
    Case(186, "K1", "小骑今天真可爱", Hit.NO, "a nickname without a companion"),
    Case(187, "K1", "小骑宕机了", Hit.YES, "a strong risk term is a companion"),
    Case(188, "K1", "小骑真好app真好", Hit.YES, "a companion in other letter case"),
    Case(189, "K1", "小骑真好happy", Hit.NO, "a companion inside a Latin word is none"),
    Case(190, "K1", "其云真好", Hit.NO, "same sound without a companion"),
    Case(191, "K1", "琪芸司机绕路", Hit.YES, "both characters changed"),
    Case(192, "K1", "qi云司机绕路", Hit.YES, "the first character in pinyin"),
    Case(193, "K1", "xqi云司机绕路", Hit.NO, "a letter to the left of its pinyin"),
    Case(194, "K1", "起运司机订单", Hit.YES, "an ordinary word that sounds the same needs an exclusion, not a rule"),
    Case(195, "K2", "aolan取暖器坏了", Hit.YES, "full pinyin of two syllables with a companion"),
    Case(196, "K2", "aolan今天开会", Hit.NO, "full pinyin of two syllables alone"),
    Case(197, "K4", "ouweier又涨价", Hit.YES, "full pinyin of three syllables suffices"),
    Case(198, "K3", "beiqiao存款没了", Hit.YES, "pinyin of an ambiguous name with a companion"),
    Case(199, "K3", "beiqiao今天下雨", Hit.NO, "pinyin of an ambiguous name alone"),
    Case(200, "K3", "bqyh宕机", Hit.YES, "initials beside a strong risk term"),
    Case(201, "K3", "bqyhx取钱", Hit.NO, "initials inside a longer string"),
    Case(202, "K3", "北桥引航", Hit.NO, "same sound without a companion"),
    Case(203, "K3", "北乔银行转账", Hit.YES, "one character of four changed"),
    Case(204, "K3", "北桥银航转账失败", Hit.YES, "a character with two readings, by its reading in the name"),
    Case(205, "K3", "bei桥银行转账", Hit.YES, "one of four characters in pinyin"),
    # types
    Case(206, "K1", "骑云当机立断停运", Hit.YES, "当机 inside a saying", lacks="outage"),
    Case(207, "K1", "骑云退款了", Hit.YES, "one weak term, neutral", lacks="outage consumer_rights"),
    Case(208, "K1", "骑云退款太慢", Hit.YES, "one weak term, negative", has="consumer_rights", tone=Tone.NEGATIVE),
    Case(209, "K1", "骑云打不开，还卡死", Hit.YES, "two weak terms", has="outage"),
    Case(210, "K1", "骑云服务器寄了", Hit.YES, "an evasion in a negative post", has="outage", tone=Tone.NEGATIVE),
    Case(211, "K1", "骑云系统瘫*痪", Hit.YES, "a mark inside a risk term", has="outage", tone=Tone.NEGATIVE),
    Case(212, "K1", "骑云司机996", Hit.YES, "a number of its own", has="labour"),
    Case(213, "K1", "骑云编号A996", Hit.YES, "a letter before the number", lacks="labour"),
    Case(214, "K2", "奥岚盲盒人物很可爱", Hit.YES, "盒人 across two words", lacks="data_breach", tone=Tone.NEGATIVE),
    Case(215, "K2", "奥岚把用户信息泄漏了", Hit.YES, "信息泄漏 belongs to data, not to the environment", has="data_breach", lacks="environment_accident"),
    Case(216, "K4", "好好的一个中国人买欧薇尔", Hit.YES, "一个中国 inside 一个中国人", lacks="national_sentiment", tone=Tone.NEGATIVE),
    Case(217, "K4", "欧薇尔被官媒点名批评", Hit.YES, "criticised by name", has="national_sentiment"),
    Case(218, "K4", "欧薇尔屋顶包场派对", Hit.YES, "顶包 across 屋顶/包场", lacks="endorser", tone=Tone.NEGATIVE),
    Case(219, "K4", "欧薇尔赠送医用口罩", Hit.YES, "送医 across 赠送/医用", lacks="food_safety", tone=Tone.NEGATIVE),
    Case(220, "K1", "骑云祝大家财源广进", Hit.YES, "财源 in a wish", lacks="labour", tone=Tone.NEGATIVE),
)
# fmt: on
