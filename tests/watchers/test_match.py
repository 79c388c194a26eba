"""Which client a post speaks of, from both sides of every rule."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.playbooks import load
from tests.watchers.matching_cases import CASES, CLIENTS, FURTHER, Case, Hit, post
from watchers.match import Matcher, fold, split_quoted
from watchers.match.folding import origin
from watchers.model import Client, MatchKind, Mention

STRONG = tuple(term for kind in load().crisis_types() for term in kind.strong)
MATCHER = Matcher(CLIENTS, STRONG)
PIECES = st.sampled_from(
    [
        *(
            "骑",
            "云",
            "南",
            "昌",
            "小",
            "其",
            "司机",
            "打车",
            "气晕",
            "qiyun",
            "Qi",
            "yun",
            "騎",
            "雲",
        ),
        *(
            "奥",
            "岚",
            "兰",
            "多",
            "北",
            "桥",
            "银行",
            "街道",
            "bqyh",
            "O家",
            "包",
            "欧",
            "薇",
            "尔",
        ),
        *(" ", "*", "·", "/", ".", "|", "☁", "\ufe0f", "\u200b", "\n", "，", "。", "#", "@", "//"),
        *("//@某:", "回复@某:", "RT @a:", "https://t.cn/a", "2024", "崩了", "滚出中国", "乾", "著"),
    ]
)
POSTS = st.lists(PIECES | st.text(max_size=3), max_size=25).map("".join)


def mention_of(client: str, text: str, *, quoted: str = "") -> Mention | None:
    found = {mention.client: mention for mention in MATCHER.find_text(text, quoted)}
    return found.get(client)


@pytest.mark.parametrize("case", [*CASES, *FURTHER], ids=str)
def test_the_cases_of_the_matching_rules(case: Case) -> None:
    mentions = {m.client: m for m in MATCHER.find(post(case.text, author=case.author))}
    mention = mentions.pop(case.client, None)
    assert not mentions, "a case speaks of one client only"
    hit = Hit.NO if mention is None else Hit.QUOTED if mention.quoted else Hit.YES
    assert hit is case.hit


# ------------------------------------------------------------------------------- what a mention says
@pytest.mark.parametrize(
    ("text", "mention"),
    [
        pytest.param(
            "今天騎雲又漲價",
            Mention(client="K1", term="骑云", found="騎雲", kind=MatchKind.NAME),
            id="a name, quoted as the post writes it",
        ),
        pytest.param(
            "骑*云司机",
            Mention(client="K1", term="骑云", found="骑*云", kind=MatchKind.BRIDGED),
            id="a bridged name with its mark",
        ),
        pytest.param(
            "ﬀ① 小骑 的司机",
            Mention(
                client="K1",
                term="小骑",
                found="小骑",
                kind=MatchKind.AMBIGUOUS,
                companion="司机",
            ),
            id="a nickname, behind characters that became several",
        ),
        pytest.param(
            "骑\u200byun的订单",
            Mention(
                client="K1",
                term="骑云",
                found="骑\u200byun",
                kind=MatchKind.HOMOPHONE,
                companion="订单",
            ),
            id="half in pinyin, with what nobody sees",
        ),
        pytest.param(
            "BEIQIAO存款",
            Mention(
                client="K3", term="北桥", found="BEIQIAO", kind=MatchKind.PINYIN, companion="存款"
            ),
            id="pinyin in capitals",
        ),
        pytest.param(
            "BQYH 宕机",
            Mention(
                client="K3", term="bqyh", found="BQYH", kind=MatchKind.INITIALS, companion="宕机"
            ),
            id="initials beside a risk term",
        ),
    ],
)
def test_a_mention_says_what_was_found_and_why(text: str, mention: Mention) -> None:
    assert MATCHER.find_text(text) == (mention,)


def test_the_best_kind_wins_over_the_first_place() -> None:
    mention = mention_of("K1", "小骑司机说骑云涨价")
    assert mention is not None
    assert (mention.kind, mention.term) == (MatchKind.NAME, "骑云")


def test_own_words_win_over_what_is_repeated() -> None:
    mention = mention_of("K1", "其云司机", quoted="骑云涨价")
    assert mention is not None
    assert (mention.kind, mention.quoted) == (MatchKind.HOMOPHONE, False)


def test_two_clients_in_one_post_are_both_mentioned_in_the_order_of_their_ids() -> None:
    assert [m.client for m in MATCHER.find_text("奥岚和骑云")] == ["K1", "K2"]


def test_own_accounts_are_told_apart_by_source() -> None:
    assert MATCHER.find(post("骑云新版上线", author="骑云官方")) == ()
    elsewhere = post("骑云新版上线", author="骑云官方", source="mastodon")
    assert [m.client for m in MATCHER.find(elsewhere)] == ["K1"]


def test_a_companion_is_not_part_of_the_name_it_accompanies() -> None:
    client = Client(id="c", name="小云", ambiguous=("小云",), companions=("云",))
    matcher = Matcher([client])
    assert matcher.find_text("小云在吗") == ()
    assert matcher.find_text("小云在云上吗") != ()


def test_an_excluded_phrase_lends_no_companion() -> None:
    client = Client(
        id="c", name="小云", ambiguous=("小云",), companions=("会员",), exclude=("会员卡套",)
    )
    assert Matcher([client]).find_text("小云的会员卡套") == ()
    assert Matcher([client]).find_text("小云的会员卡") != ()


def test_initials_of_two_letters_are_never_looked_for() -> None:
    client = Client(id="c", name="骑云", initials=("qy",), companions=("司机",))
    assert Matcher([client]).find_text("qy司机") == ()


def test_a_long_name_is_found_by_its_sound_too() -> None:
    client = Client(id="c", name="", names=("北桥城市商业银行",), companions=("存款",))
    (mention,) = Matcher([client]).find_text("北乔城市商业银行的存款")
    assert mention.kind is MatchKind.HOMOPHONE


def test_nothing_to_look_for_finds_nothing() -> None:
    assert Matcher([]).find_text("骑云崩了") == ()
    assert Matcher([Client(id="c", name="", names=("", " ", "\u200b"))]).find_text("骑云 ") == ()


@pytest.mark.parametrize("unit", ["骑云", "骑云南", "小骑", "其云", "骑*云", "司机", "骑 云", "\n"])
def test_a_text_of_20_000_characters_is_read_like_any_other(unit: str) -> None:
    text = (unit * 20_000)[:20_000] + "，奥岚取暖器"
    assert mention_of("K2", text) is not None


# -------------------------------------------------------------------------------------------- folding
@pytest.mark.parametrize(
    ("text", "folded"),
    [
        pytest.param("ＡＢＣ，１２３！", "abc,123!", id="full width"),
        pytest.param(
            "乾坤大挪移", "乾坤大挪移", id="the phrase table keeps what a character loses"
        ),
        pytest.param("乾淨的頭髮發白", "干净的头发发白", id="what merges"),
        pytest.param("Ørsted Łódź Müller straße", "orsted lodz muller strasse", id="Latin letters"),
        pytest.param("can’t", "can't", id="a curly apostrophe"),
        pytest.param("ガンダム 한국", "ガンダム 한국", id="marks of kana and Hangul stay"),
        pytest.param("4️⃣了", "4了", id="a keycap is its digit"),
        pytest.param("a\r\nb\u2028c", "a\n\nb\nc", id="line ends"),
        pytest.param("\ud83d\ue000", "\ufffd\ufffd", id="halves of characters and private ones"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_one_form_for_many(text: str, folded: str) -> None:
    assert fold(text) == folded


@given(st.text() | POSTS)
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(st.text() | POSTS)
def test_each_folded_character_comes_from_one_of_the_original(text: str) -> None:
    folded = fold(text)
    places = [origin(text, place) for place in range(len(folded))]
    assert places == sorted(places)
    assert all(0 <= place < len(text) for place in places)
    for place, at in enumerate(places):
        alone = fold(text[at])
        assert folded[place] in alone or len(alone) == 1  # a phrase may choose another character
        assert alone, "what is dropped is nothing's origin"


@given(st.text() | POSTS)
def test_own_and_repeated_words_are_the_whole_text(text: str) -> None:
    own, repeated = split_quoted(text)
    assert own + repeated == text


# ------------------------------------------------------------------------------------------- matching
@given(st.text() | POSTS, POSTS)
def test_no_text_is_too_strange(text: str, quoted: str) -> None:
    for mention in MATCHER.find_text(text, quoted):
        assert mention.found
        assert mention.found in f"{text}\n{quoted}"


@given(POSTS, st.permutations(CLIENTS), st.permutations(STRONG[:40]))
@settings(max_examples=30)
def test_the_order_of_clients_and_risk_terms_does_not_matter(
    text: str, clients: list[Client], strong: list[str]
) -> None:
    expected = Matcher(CLIENTS, STRONG[:40]).find_text(text)
    assert Matcher(clients, strong).find_text(text) == expected


@given(POSTS, st.lists(POSTS.filter(str.strip), max_size=3), POSTS.filter(str.strip))
@settings(max_examples=150)
def test_one_more_excluded_phrase_never_adds_a_hit(
    text: str, phrases: list[str], further: str
) -> None:
    def mentions(exclude: list[str]) -> set[str]:
        client = Client(
            id="c",
            name="骑云",
            names=("骑云", "奥岚"),
            ambiguous=("小骑", "北桥"),
            companions=("司机", "银行"),
            exclude=tuple(exclude),
        )
        return {m.client for m in Matcher([client], ("崩了",)).find_text(text) if not m.quoted}

    assert mentions([*phrases, further]) <= mentions(phrases)


@given(POSTS, st.text(alphabet="骑云南昌小其司机奥岚兰多", min_size=1, max_size=3))
@settings(max_examples=150)
def test_another_client_changes_nothing_for_the_first(text: str, name: str) -> None:
    other = Client(id="z", name=name, names=(name,), exclude=("骑云",))
    alone = [m for m in MATCHER.find_text(text) if m.client == "K1"]
    both = [m for m in Matcher([*CLIENTS, other], STRONG).find_text(text) if m.client == "K1"]
    assert alone == both
