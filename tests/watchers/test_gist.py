"""The gist: what an English reader is told of a Chinese post, and what never turns round in it."""

import re
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import playbooks
from watchers.gist import LONGEST, Glosser
from watchers.gist.dictionary import short
from watchers.gist.english import participle, past
from watchers.gist.words import table
from watchers.model import Client

GLOSSER = Glosser()
CLIENT = Client(
    id="aulane",
    name="Aulane 奥岚",
    names=("奥岚", "Aulane"),
    ambiguous=("小岚",),
    companions=("取暖器",),
)


def gist(text: str, client: Client | None = CLIENT) -> str:
    return GLOSSER.gist(text, client) or ""


CASES = [
    # ---- the sample of the product
    pytest.param("刚买三天的奥岚取暖器半夜自燃，窗帘烧了一半", ["bought 3 days", "Aulane heater", "caught fire", "curtain burned half"], id="the story's first post"),
    # ---- negation
    pytest.param("没有退款", ["no refund"], id="no noun"),
    pytest.param("奥岚没退款", ["did not refund"], id="did not do"),
    pytest.param("奥岚不赔", ["does not compensate"], id="does not do"),
    pytest.param("别买奥岚", ["don't buy Aulane"], id="do not do"),
    pytest.param("大家千万别买", ["be sure to don't buy"], id="really do not"),
    pytest.param("我不买了", ["I do not buy any more"], id="no longer"),
    pytest.param("奥岚的道歉并非真心", ["is not"], id="is not"),
    pytest.param("奥岚从未道歉", ["never apologise"], id="never"),
    pytest.param("奥岚尚未回应", ["not yet respond"], id="not yet"),
    pytest.param("我无法登录", ["unable to log in"], id="unable"),
    pytest.param("软件打不开", ["cannot be opened"], id="a verb that does not reach its end"),
    pytest.param("这个价格我吃不起", ["cannot eat"], id="the same, by rule"),
    pytest.param("永远见不到客服", ["cannot see customer service"], id="the same, not less than"),
    pytest.param("客服打不通", ["cannot get through"], id="nobody answers the phone"),
    pytest.param("奥岚不但没有道歉，还删帖", ["not only no apology", "also delete posts"], id="not only"),
    pytest.param("没有任何解释", ["no explanation"], id="none at all"),
    pytest.param("质量不太好", ["not so good"], id="not so good"),
    pytest.param("奥岚不是骗子", ["is not swindler"], id="is not a"),
    pytest.param("不要相信他们", ["don't believe they"], id="do not believe"),
    pytest.param("奥岚没有把钱退给我", ["did not return money to I"], id="not, before the object"),
    pytest.param("一点都不安全", ["not at all"], id="not at all"),
    pytest.param("不得不投诉", ["have to complain"], id="two denials make a must"),
    pytest.param("我一分钱都唔会捐", ["will not"], id="in Cantonese"),
    pytest.param("奥岚不鼙鼙", ["not …"], id="what it denies is not known"),
    pytest.param("很多孩子吃不饱", ["cannot eat"], id="not enough to eat"),
    pytest.param("我要退款，不要优惠券", ["want to refund", "do not want voucher"], id="does not want"),
    # ---- what looks like a negation and is none
    pytest.param("还有没有良心", ["is there still any conscience"], id="is there any"),
    pytest.param("到底召不召回？", ["recall or not"], id="recall or not"),
    pytest.param("是不是骗人？", ["is it so cheat people?"], id="is it"),
    pytest.param("奥岚的态度不错", ["not bad"], id="not bad"),
    pytest.param("他们不断投诉", ["constantly complain"], id="constantly"),
    pytest.param("别人也遇到了", ["other people also ran into"], id="others"),
    pytest.param("取悦别国人民", ["other countries"], id="other countries"),
    # ---- numbers
    pytest.param("升级到6.1.3没变快", ["6.1.3"], id="a version stays whole"),
    pytest.param("花了三千多元", ["spent 3,000+ yuan"], id="a sum and more"),
    pytest.param("花了3万块", ["spent 30,000 yuan"], id="ten thousands"),
    pytest.param("投诉了两次", ["complained twice"], id="twice"),
    pytest.param("打了五次电话", ["5 times"], id="times"),
    pytest.param("百分之三十的用户", ["30% users"], id="a share"),
    pytest.param("3月15日投诉的", ["March 15"], id="a date"),
    pytest.param("三月十五日投诉的", ["March 15"], id="a date in words"),
    pytest.param("等了半年", ["half a year"], id="half a year"),
    pytest.param("等了两个半小时", ["2.5 hours"], id="two and a half hours"),
    pytest.param("等了三天半", ["3.5 days"], id="three and a half days"),
    pytest.param("损失1.2亿元", ["120 million yuan"], id="hundred millions"),
    pytest.param("有几千人投诉", ["thousands of people"], id="thousands"),
    pytest.param("七八个人受伤", ["7-8"], id="seven or eight"),
    pytest.param("打八折也不买", ["20% off"], id="a price cut"),
    pytest.param("第三次维修", ["3rd time"], id="the third time"),
    pytest.param("三天内给答复", ["within 3 days"], id="within"),
    pytest.param("一万二的洗衣机", ["12,000"], id="the short form of a number"),
    pytest.param("2019年买的", ["2019"], id="a year"),
    pytest.param("十分失望", ["very disappoint"], id="ten parts are very"),
    pytest.param("万一爆炸怎么办", ["in case explode"], id="one of ten thousand is in case"),
    pytest.param("千万小心", ["be sure to"], id="ten million is be sure"),
    pytest.param("上午10:08开售", ["10:08"], id="a time stays whole"),
    pytest.param("和奥岚一模一样", ["exactly the same"], id="a figure inside a word counts nothing"),
    pytest.param("奥岚发布四点声明", ["4 points statement"], id="four points are no time"),
    pytest.param("下午四点发布", ["4 o'clock"], id="four in the afternoon"),
    pytest.param("五日内退款", ["within 5 days"], id="within days"),
    pytest.param("15日开售", ["the 15th"], id="a day of the month"),
    pytest.param("有一股焦味", ["burnt smell"], id="a whiff is no share"),
    # ---- names, Latin words
    pytest.param("奧嵐取暖器冒煙了", ["Aulane heater smoked"], id="traditional script"),
    pytest.param("小岚的客服", ["Aulane's customer service"], id="a nickname"),
    pytest.param("奥岚 AX-20 冒烟了", ["Aulane", "AX-20", "smoked"], id="a model's name"),
    pytest.param("王小明投诉了奥岚", ["Wang Xiaoming complained Aulane"], id="a person by sound"),
    # ---- slang and trouble
    pytest.param("奥岚又翻车了", ["Aulane again backfired"], id="backfired"),
    pytest.param("这就是割韭菜，智商税", ["fleece customers", "waste-of-money scam"], id="fleeced"),
    pytest.param("服务器崩了，登录不上", ["crashed", "cannot log in"], id="down"),
    pytest.param("代言人塌房了", ["fall from grace"], id="fallen"),
    pytest.param("姐妹们避雷奥岚", ["beware of Aulane"], id="beware"),
    # ---- who did it to whom
    pytest.param("我被客服骂了", ["I was scolded by customer service"], id="by whom"),
    pytest.param("奥岚把我的账号封了", ["Aulane banned my account"], id="to whom"),
    # ---- noise
    pytest.param("奥岚取暖器冒烟了[怒][怒]😡 http://t.example/abc @某某", ["Aulane heater smoked"], id="emoji, link, mention"),
    pytest.param("#奥岚翻车# 退款呢？", ["Aulane backfire", "refund?"], id="a topic"),
    pytest.param("奥岚的heater真的很差", ["Aulane's heater really very bad"], id="mixed"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "told"), CASES)
def test_what_is_told(text: str, told: list[str]) -> None:
    made = gist(text)
    assert [part for part in told if part not in made] == [], made


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("Aulane heater caught fire", id="English"),
        pytest.param("Aulane heater caught fire 奥岚 last night, no refund", id="mostly English"),
        pytest.param("オーランのヒーターが燃えた", id="Japanese"),
        pytest.param("😡😡😡", id="emoji alone"),
        pytest.param("", id="nothing"),
        pytest.param("http://t.example/a1", id="a link alone"),
        pytest.param("3.15 !!!", id="a number alone"),
    ],
)
def test_what_needs_no_gist_gets_none(text: str) -> None:
    assert GLOSSER.gist(text, CLIENT) is None


def test_what_is_hardly_known_says_so() -> None:
    assert gist("鼙鼙鼙鼙鼙退款鼙鼙鼙鼙") == "only these words are clear: refund"


def test_a_repeated_post_is_not_the_author_s_own_word() -> None:
    assert gist("奥岚道歉了//@某某: 奥岚自燃") == "Aulane apologised"


def test_of_a_long_post_what_tells_of_the_trouble_is_told() -> None:
    daily = "今天天气不错，和朋友去公园散步，晚上吃了火锅，看了一部电影，"
    made = gist(f"{daily}{daily}回家发现奥岚取暖器自燃了，客服不退款。{daily}")
    assert "Aulane heater spontaneously caught fire" in made
    assert "does not refund" in made
    assert len(made) <= LONGEST


def test_a_client_without_a_latin_name_is_called_by_its_sound() -> None:
    assert "Aolan" in gist("奥岚道歉了", Client(id="a", name="奥岚", names=("奥岚",)))


@given(
    st.text(
        alphabet="奥岚不没别未无有退款赔了过的三千两半万百分之次天元被把到吗，。！是一个月日年电打开",
        max_size=80,
    )
)
def test_any_text_is_told_shortly_and_without_chinese(text: str) -> None:
    made = gist(text)
    assert len(made) <= LONGEST
    assert not re.search("[\u3400-\u9fff]", made)


@given(
    st.lists(
        st.sampled_from(
            ["奥岚不退款", "奥岚没有道歉", "别买", "打不开", "质量好", "花了3千元", "等两天"]
        ),
        min_size=1,
        max_size=12,
    )
)
def test_clauses_that_deny_are_never_told_without_the_denial(parts: list[str]) -> None:
    made = gist("，".join(parts))
    for said, denied in (
        ("refund", "does not refund"),
        ("apology", "no apology"),
        ("buy", "don't buy"),
    ):
        assert made.count(said) == made.count(denied)


def test_every_word_of_the_shipped_crisis_types_has_a_gloss() -> None:
    kinds = playbooks.load().crisis_types()
    chinese = {w for k in kinds for w in (*k.strong, *k.weak) if re.search("[\u3400-\u9fff]", w)}
    assert sorted(w for w in chinese if not gist(f"{w}，{w}")) == []


def test_no_gloss_of_ours_holds_what_slack_would_read() -> None:
    assert [w for w in table().values() if re.search(r"[<>*_~`\u3400-\u9fff]", w.en + w.does)] == []


@pytest.mark.parametrize(
    ("sense", "told"),
    [
        ("to deceive (sb); to cheat", "to deceive"),
        ("surname Wang", None),
        ("CL:個|个[ge4],位[wei4]", None),
        ("old variant of 和[he2]", None),
        ("lit. to cut chives; fig. to fleece", "to fleece"),
        ("(coll.) modem", "modem"),
        ("to continue (of sales, talks)", "to continue"),
        ("abbr. for 貴州|贵州[Gui4 zhou1]", None),
    ],
)
def test_a_sense_of_the_dictionary_in_few_words(sense: str, told: str | None) -> None:
    assert short(sense) == told


def test_past_and_participle() -> None:
    assert [past(v) for v in ("catch fire", "deny", "ban", "spontaneously catch fire", "smoke")] == [
        "caught fire", "denied", "banned", "spontaneously caught fire", "smoked",
    ]  # fmt: skip
    assert participle("take away") == "taken away"


def test_no_word_of_the_table_stands_twice_or_under_no_heading() -> None:
    lines = files("watchers.gist").joinpath("words.txt").read_text("utf-8").splitlines()
    words = [line.split(" ")[0] for line in lines if line and line[0] not in "#["]
    assert len(words) == len(set(words)) == len(table())
