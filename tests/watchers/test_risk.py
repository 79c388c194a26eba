"""Which crisis types a text speaks of, with the shipped lexicons and with small ones."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.playbooks import Playbook, load
from tests.watchers.matching_cases import CASES, FURTHER, Case
from watchers.model import CrisisType, Severity, Tone, TypeHit
from watchers.recordings import Recording
from watchers.risk import RiskModel

BOOKS = load()
SHIPPED = RiskModel(BOOKS.crisis_types())
S1 = {id_ for id_, book in BOOKS.types.items() if book.severity is Severity.S1}


def crisis(
    id_: str,
    severity: Severity = Severity.S3,
    *,
    strong: tuple[str, ...] = (),
    weak: tuple[str, ...] = (),
    evasions: tuple[str, ...] = (),
    exclude: tuple[str, ...] = (),
) -> CrisisType:
    return CrisisType(
        id=id_,
        name=id_,
        name_zh=id_,
        severity=severity,
        strong=strong,
        weak=weak,
        evasions=evasions,
        exclude=exclude,
    )


FIRE = crisis(
    "fire",
    Severity.S2,
    strong=("自燃", "又自燃", "N+1", "996", "recall", "刹车失灵"),
    weak=("召回", "异响", "小便"),
    evasions=("自ran", "4了"),
    exclude=("召回投票", "贪小便宜"),
)
OUTAGE = crisis("outage", strong=("崩了", "当机"), weak=("召回",), exclude=("心态崩了",))
SMALL = RiskModel([FIRE, OUTAGE])
NEGATIVE, NEUTRAL = Tone.NEGATIVE, Tone.NEUTRAL


@pytest.mark.parametrize("case", [c for c in (*CASES, *FURTHER) if c.has or c.lacks], ids=str)
def test_the_types_of_the_matching_cases(case: Case) -> None:
    types = {hit.type for hit in SHIPPED.types(case.text, case.tone)}
    assert types >= set(case.has.split())
    assert not types & set(case.lacks.split())


@pytest.mark.parametrize("book", BOOKS.types.values(), ids=lambda book: book.id)
def test_every_playbook_is_found_in_its_own_example(book: Playbook) -> None:
    hits = SHIPPED.types(book.example, NEGATIVE)
    assert book.id in {hit.type for hit in hits}


@pytest.mark.parametrize(
    ("text", "tone", "terms"),
    [
        pytest.param("半夜自燃", NEUTRAL, ("自燃",), id="a strong term suffices"),
        pytest.param("半夜自然醒", NEGATIVE, (), id="the same sound is no hit"),
        pytest.param("要召回吗", NEUTRAL, (), id="a weak term alone is none"),
        pytest.param("要召回吗", Tone.UNSURE, (), id="nor in a post of unsure tone"),
        pytest.param("要召回吗", NEGATIVE, ("召回",), id="a weak term in a negative post"),
        pytest.param("有异响，要召回", NEUTRAL, ("异响", "召回"), id="two weak terms"),
        pytest.param("召回，召回，召回", NEUTRAL, (), id="the same weak term thrice is one"),
        pytest.param("自ran了", NEUTRAL, (), id="an evasion alone is weak"),
        pytest.param("自ran了", NEGATIVE, ("自ran",), id="an evasion in a negative post"),
        pytest.param("自ran，异响", NEUTRAL, ("自ran", "异响"), id="an evasion and a weak term"),
        pytest.param("参加召回投票", NEGATIVE, (), id="an excluded phrase is blanked"),
        pytest.param("召回投票后召回", NEGATIVE, ("召回",), id="but nothing beside it"),
        pytest.param("别贪小便宜", NEGATIVE, (), id="an exclusion inside one word blanks"),
        pytest.param(
            "又自燃了", NEUTRAL, ("又自燃",), id="a term inside a longer one is no second"
        ),
        pytest.param("自燃又自燃", NEUTRAL, ("自燃", "又自燃"), id="two places are two terms"),
        pytest.param("9961502", NEGATIVE, (), id="a number inside a longer one"),
        pytest.param("996工作制", NEUTRAL, ("996",), id="a number before Chinese"),
        pytest.param("2024了", NEGATIVE, (), id="a digit before an evasion"),
        pytest.param("又4了", NEGATIVE, ("4了",), id="Chinese before an evasion"),
        pytest.param("a total RECALL!", NEUTRAL, ("recall",), id="letter case"),
        pytest.param("recalled", NEGATIVE, (), id="a longer Latin word"),
        pytest.param("赔ｎ＋１", NEUTRAL, ("N+1",), id="full width"),
        pytest.param("自*燃了", NEUTRAL, ("自燃",), id="a mark inside is bridged"),
        pytest.param("自。燃了", NEGATIVE, (), id="a sentence mark is not"),
        pytest.param("刹 车 失 灵", NEUTRAL, (), id="spaces make a strong term weak"),
        pytest.param(
            "刹 车 失 灵", NEGATIVE, ("刹车失灵",), id="and a negative post makes it count"
        ),
        pytest.param("剎車失靈", NEUTRAL, ("刹车失灵",), id="traditional script"),
        pytest.param("赞//@某:半夜自燃", NEGATIVE, (), id="repeated words are somebody else's"),
        pytest.param("https://t.cn/recall", NEGATIVE, (), id="links are cut"),
        pytest.param("", NEGATIVE, (), id="nothing"),
    ],
)
def test_one_type(text: str, tone: Tone, terms: tuple[str, ...]) -> None:
    found = {hit.type: hit.terms for hit in RiskModel([FIRE]).types(text, tone)}
    assert found == ({"fire": terms} if terms else {})


def test_a_word_that_is_cut_in_two_is_no_term() -> None:
    box = RiskModel([crisis("box", strong=("开盒", "顶包", "送医"))])
    assert box.types("打开盒子，屋顶包场，赠送医用口罩", NEGATIVE) == ()
    assert [hit.terms for hit in box.types("他被开盒了", NEUTRAL)] == [("开盒",)]


def test_an_exclusion_that_would_cut_a_word_does_not_blank() -> None:
    glue = RiskModel([crisis("glue", strong=("502",), exclude=("502胶",))])
    assert glue.types("用502胶水粘", NEUTRAL) != ()
    assert glue.types("用502胶，很牢", NEUTRAL) == ()


def test_exclusions_act_inside_their_own_type() -> None:
    assert [hit.type for hit in SMALL.types("召回投票，异响", NEGATIVE)] == ["fire", "outage"]
    hits = {hit.type: hit.terms for hit in SMALL.types("召回投票，异响", NEGATIVE)}
    assert hits == {"fire": ("异响",), "outage": ("召回",)}


def test_more_terms_come_first_then_the_higher_severity() -> None:
    assert [hit.type for hit in SMALL.types("自燃，崩了，当机", NEUTRAL)] == ["outage", "fire"]
    assert [hit.type for hit in SMALL.types("崩了，自燃", NEUTRAL)] == ["fire", "outage"]


def test_a_hit_says_whether_a_term_suffices_alone() -> None:
    weak = TypeHit(type="fire", terms=("异响", "召回"), strong=False)
    assert SMALL.types("异响，召回", NEUTRAL)[0] == weak
    strong = TypeHit(type="fire", terms=("异响", "自燃"), strong=True)
    assert SMALL.types("异响，自燃", NEUTRAL) == (strong,)


@given(st.text() | st.lists(st.sampled_from([*"自燃崩了召回 *#/", "recall"])).map("".join))
def test_no_text_is_too_strange(text: str) -> None:
    for hit in SHIPPED.types(text, NEGATIVE) + SMALL.types(text, NEGATIVE):
        assert hit.terms


def test_a_text_of_20_000_characters_is_read_like_any_other() -> None:
    for unit in ("崩了", "心态崩了", "召回", "自*燃", "崩 了"):
        text = (unit * 20_000)[:20_000] + "，当机"
        assert "outage" in {hit.type for hit in SMALL.types(text, NEUTRAL)}


def test_ordinary_talk_seldom_names_a_crisis(shared: Path) -> None:
    """Calm streams: every type in at most one post of fifty, types that page in one of 200."""
    streams = sorted((shared / "data/microblogs/events").glob("*_calm_*.jsonl.gz"))
    assert streams
    for stream in streams:
        texts = {post.text for post in Recording(stream)}
        found = [hit.type for text in texts for hit in SHIPPED.types(text, NEUTRAL)]
        for type_ in set(found):
            share = found.count(type_) / len(texts)
            assert share <= (0.005 if type_ in S1 else 0.02), (stream.name, type_)


@pytest.mark.parametrize(
    ("text", "type_"),
    [
        ("奥岚会员乱扣费，申请退款一直不处理", "consumer_rights"),
        ("奥岚客服推诿扯皮，不给退款", "consumer_rights"),
        ("奥岚门店突发火灾", "environment_accident"),
        ("奥岚的货车撞死了人", "environment_accident"),
        ("奥岚董事长受贿被留置", "executive_conduct"),
        ("奥岚面霜激素超标", "product_safety"),
        ("奥岚取暖器刚买就坏，质量太差", "product_safety"),
        ("求辟谣，奥岚是假新闻吧", "rumour"),
        ("奥岚终止雇佣了三百人", "labour"),
        ("奥岚泄露个人信息", "data_breach"),
        ("奥岚自绝中国市场", "national_sentiment"),
        ("奥岚股权质押触及平仓线", "investor_finance"),
        ("奥岚后厨卫生堪忧，用隔夜食材", "food_safety"),
    ],
)
def test_what_people_really_write_names_its_type(text: str, type_: str) -> None:
    assert type_ in {hit.type for hit in SHIPPED.types(text, NEUTRAL)}


@pytest.mark.parametrize(
    ("text", "type_"),
    [
        ("请奥岚原地爆炸", "product_safety"),
        ("请奥岚原地爆炸", "environment_accident"),
        ("奥岚走后门拿到的名额", "data_breach"),
        ("奥岚陪我到毕业典礼", "labour"),
        ("我是应届毕业生，想去奥岚", "labour"),
        ("调休滚出中国，奥岚也累", "national_sentiment"),
        ("抵制黄牛，奥岚实名购票", "national_sentiment"),
        ("侵权删，奥岚海报合集", "ip_plagiarism"),
        ("真的假的？奥岚要上新", "rumour"),
        ("奥岚也涨到让我破产了", "investor_finance"),
    ],
)
def test_what_only_looks_like_it_names_none_even_in_a_bad_mood(text: str, type_: str) -> None:
    assert type_ not in {hit.type for hit in SHIPPED.types(text, NEGATIVE)}
