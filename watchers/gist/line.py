"""The gist of a post: a line in English that says what is known of it, and nothing else.

A gloss in the order of the Chinese, by rules that keep what turns a meaning round: negation,
numbers, who did it to whom. It never joins what stands apart, and leaves out what it cannot read.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import opencc

from watchers.gist import english
from watchers.gist.dictionary import Dictionary
from watchers.gist.numbers import CLASSIFIERS
from watchers.gist.words import Kind, Reader, Word, by_sound, table
from watchers.model import Client

LONGEST = 120  # characters
READ = 2_000  # of a text; no post is longer
LEAST_KNOWN = 0.5  # share of the Chinese characters; below it only single words are told
MOSTLY_LATIN = 0.3  # share of Chinese characters from which on a text needs a gist
_HAN = re.compile("[\u3400-\u9fff]")
_FOREIGN = re.compile("[\u3040-\u30ff\uac00-\ud7af\u0400-\u04ff\u0600-\u06ff\u0e00-\u0e7f]")
_NOISE = re.compile(
    r"https?://[A-Za-z0-9./?=&%_#~+:-]+|//\s*@.*|(?:回复\s*)?@[\w\-·]+[:：]?|\[[^\[\]\s]{1,8}\]"
    r"|(?:展开|收起)?全文[cd]?$|#|网页链接|[LO][\w-]{1,20}的(?:微博|秒拍)视频|【|[“”\"'\u2018\u2019《》「」『』()（）<>|*_~`]"
)
_CLAUSE = re.compile(
    r"(?<=[。！？!?；;\n…])|(?<=[，,、：:])(?!\d)|(?<=\s)(?=[\u3400-\u9fff])|(?<=】)"
)
_COMPLEMENTS = frozenset("开到了起下上懂清见完出住动掉来去好过进通成饱暖稳准牢")
_SPANS = r"(?:second|minute|hour|day|week|month|year)s?$"
_TIMED = {
    **dict.fromkeys(("内", "以内", "之内"), "within {}"),
    **dict.fromkeys(("后", "以后", "之后"), "after {}"),
    **dict.fromkeys(("前", "以前", "之前"), "{} earlier"),
}
_UNDONE = frozenset(["没", "没有", "未", "并没有", "还没", "还没有", "尚未"])
_UNREACHED = frozenset(f"不{end}" for end in _COMPLEMENTS)
_POINTING = frozenset(["这", "那", "每", "哪", "某", "该", "本", "此", "另", "这一", "那一", "首"])
_MODALS = frozenset(
    [
        "要",
        "想",
        "会",
        "能",
        "可以",
        "应该",
        "必须",
        "将",
        "将要",
        "即将",
        "快",
        "快要",
        "就要",
        "别",
        "不",
        "不要",
        "没",
        "没有",
        "还没",
        "还没有",
        "从未",
        "未",
        "不能",
        "不会",
        "想要",
        "建议",
        "希望",
        "马上",
        "明天",
        "如果",
        "要是",
    ]
)
_DONE = frozenset(["刚", "刚刚", "刚才", "已", "已经", "曾", "曾经", "终于", "居然", "竟然", "又"])
_EVENTS = frozenset(
    [
        "起火",
        "着火",
        "自燃",
        "爆炸",
        "冒烟",
        "漏水",
        "漏电",
        "死亡",
        "去世",
        "猝死",
        "受伤",
        "中毒",
        "塌",
        "断裂",
        "坍塌",
        "失灵",
        "失控",
        "宕机",
        "崩溃",
    ]
)
_REPORTS = frozenset(
    [
        "说",
        "称",
        "表示",
        "回应",
        "要求",
        "认为",
        "指出",
        "承认",
        "否认",
        "宣布",
        "回复",
        "声称",
        "建议",
        "拒绝",
    ]
)
_ENDS = {"吗": "?", "么": "?"}
_GRAVE = frozenset(
    [
        "起火",
        "着火",
        "自燃",
        "爆炸",
        "死",
        "死亡",
        "去世",
        "猝死",
        "受伤",
        "中毒",
        "维权",
        "投诉",
        "退款",
        "赔偿",
        "道歉",
        "曝光",
        "造假",
        "假货",
        "召回",
        "翻车",
        "塌房",
        "骗",
        "被骗",
        "坑",
        "割韭菜",
        "智商税",
        "避雷",
        "打不开",
        "崩了",
        "客服",
        "差评",
        "泄露",
        "裁员",
        "抄袭",
        "辱华",
        "歧视",
        "抵制",
        "报警",
        "起诉",
        "缺陷",
        "质量",
        "安全",
        "虚假宣传",
        "维修",
        "失灵",
    ]
)


class Glosser:
    """Tells posts in English. The dictionary is read when it is first needed."""

    def __init__(self, dictionary: Dictionary | None = None) -> None:
        self._dictionary = dictionary

    def warm(self) -> None:
        """Read the dictionary and all tables now."""
        self.gist("预热。", None)

    def gist(self, text: str, client: Client | None, terms: Collection[str] = ()) -> str | None:
        """Return the gist of TEXT in 120 characters; None where it is no Chinese.

        CLIENT's names and TERMS, the words that led to an alert, decide what of a long post is
        told. "only these words are clear: ..." stands before single words.
        """
        plain = simplified(bare(text[:READ]))
        if not needs_one(plain):
            return None
        if self._dictionary is None:
            self._dictionary = Dictionary.load()
        names = _names(client)
        reader = Reader(self._dictionary, names)
        clauses = [_Clause(reader.read(part)) for part in _parts(plain)]
        clauses = [c for c in clauses if c.words]
        asked = {simplified(t) for t in terms} | _GRAVE
        known, unknown = (sum(c.known for c in clauses), sum(c.unknown for c in clauses))
        if known < LEAST_KNOWN * (known + unknown):
            return _single_words(clauses)
        return _chosen(clauses, asked, frozenset(names)) or None


def needs_one(text: str) -> bool:
    """Return whether TEXT is Chinese enough to be told in English."""
    han = len(_HAN.findall(text))
    letters = len(re.findall("[A-Za-z]+", text))
    foreign = len(_FOREIGN.findall(text))
    return han > foreign and han > MOSTLY_LATIN * (han + 2 * letters)


def bare(text: str) -> str:
    """Return the author's own words: no links, mentions, marks of emotion, repeated posts."""
    words = _NOISE.sub(" ", text.replace("\u200b", "").replace("\r", "\n"))
    words = re.sub("丨|\\|", "，", re.sub(r"(?<=\d)：(?=\d)", ":", words))
    return re.sub(r"[ \t\u3000\u00a0]+", " ", words).strip()


def simplified(text: str) -> str:
    return str(_converter().convert(text))


@cache
def _converter() -> Any:
    return opencc.OpenCC("t2s")


def _names(client: Client | None) -> Mapping[str, str]:
    """Return the client's Chinese names and what they are called: the Latin name if it has one."""
    if client is None:
        return {}
    listed = (client.name, *client.names, *client.ambiguous)
    latin = next(
        (
            found[0].strip()
            for name in listed
            if (found := re.search(r"[A-Za-z][A-Za-z0-9&.' -]*", name))
        ),
        None,
    )
    chinese = {simplified(h) for name in listed for h in re.findall("[\u3400-\u9fff]{2,}", name)}
    return {name: latin or by_sound(name) for name in chinese if len(name) > 1}


def _parts(text: str) -> list[str]:
    return [part for part in _CLAUSE.split(text) if part and part.strip()]


class _Clause:
    """A stretch between two marks, as English phrases."""

    def __init__(self, words: Sequence[Word]) -> None:
        marks = [w.en for w in words if w.kind is Kind.MARK]
        self.words = [w for w in words if w.kind is not Kind.MARK]
        self.known = sum(len(w.zh) for w in self.words if w.kind is not Kind.UNKNOWN)
        self.unknown = sum(len(w.zh) for w in self.words if w.kind is Kind.UNKNOWN)
        self.title = "】" in "".join(w.zh for w in words if w.kind is Kind.MARK)
        self.phrases = [p for p in _phrases(self.words) if p]
        self.end = marks[-1] if marks else ","
        if self.words and self.words[-1].zh in _ENDS and self.end != "?":
            self.end = "?"

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.phrases)).strip()

    def worth(self, asked: Collection[str], names: Collection[str]) -> float:
        """Return how much CLAUSE tells of the trouble."""
        said = {w.zh for w in self.words}
        named = bool(said & set(names))
        grave = sum(any(t in w.zh or w.zh in t for t in asked) for w in self.words if len(w.zh) > 1)
        kinds = [w.kind for w in self.words]
        share = self.known / max(self.known + self.unknown, 1)
        return (
            3.0 * self.title
            + 3.0 * named
            + 2.0 * min(grave, 3)
            + 1.0 * (Kind.NEGATIVE in kinds)
            + 0.7 * (Kind.NUMBER in kinds)
            + 0.5 * min(len(self.phrases), 4)
        ) * share


# ------------------------------------------------------------------------------ within a clause
def _phrases(words: Sequence[Word]) -> list[str]:  # noqa: C901, PLR0912, PLR0915 -- a list of rules
    """Return WORDS as phrases, none of which may be cut: a negation stays with what it denies."""
    phrases: list[str] = []
    at = 0
    while at < len(words):
        word = words[at]
        following = words[at + 1] if at + 1 < len(words) else None
        if word.kind is Kind.DROPPED or word.kind is Kind.UNKNOWN:
            at += 1
            continue
        cannot = _cannot(words, at)
        if cannot is not None:
            phrases.append(cannot[0])
            at += cannot[1]
            continue
        if word.zh == "被" and following is not None:
            done, used = _suffered(words, at)
            if done:
                phrases.append(done)
                at += used
                continue
        if word.zh == "把" and following is not None:
            moved, used = _handled(words, at)
            if moved:
                phrases.append(moved)
                at += used
                continue
        timed = _TIMED.get(following.zh) if following is not None else None
        if word.kind is Kind.NUMBER and timed is not None and re.search(_SPANS, word.en):
            phrases.append(timed.format(word.en))
            at += 2
            continue
        if word.zh == "一" and following is not None and following.kind is Kind.VERB:
            at += 1
            continue
        if word.kind is Kind.NEGATIVE:
            denied, used = _denied(words, at, phrases)
            phrases.append(denied)
            at += used
            continue
        if word.zh == "的":
            if (
                phrases
                and at
                and following is not None
                and words[at - 1].kind in (Kind.NAME, Kind.PRONOUN)
            ):
                phrases[-1] = _possessive(phrases[-1])
            at += 1
            continue
        if (word.zh in CLASSIFIERS and at and words[at - 1].zh in _POINTING) or (
            word.zh == "是" and following is not None and following.zh == "被"
        ):
            pass
        elif word.zh == "是":
            phrases.append(english.be(phrases[-1].rsplit(" ", 1)[-1] if phrases else ""))
        elif word.kind in (Kind.VERB, Kind.BOTH) and _is_past(words, at):
            phrases.append(english.past(word.verb))
        elif word.kind is Kind.BOTH and at and words[at - 1].zh in _MODALS:
            phrases.append(word.verb)
        elif word.zh in _REPORTS and at and words[at - 1].kind in (Kind.NAME, Kind.NOUN):
            phrases.append(english.third(word.verb))
        else:
            phrases.append(word.en)
        at += 1
    return phrases


def _possessive(phrase: str) -> str:
    own = {
        "I": "my",
        "you": "your",
        "he": "his",
        "she": "her",
        "it": "its",
        "we": "our",
        "they": "their",
    }
    last = phrase.rsplit(" ", 1)[-1]
    if last in own:
        return phrase[: len(phrase) - len(last)] + own[last]
    return phrase + ("'" if phrase.endswith("s") else "'s")


def _is_past(words: Sequence[Word], at: int) -> bool:
    """Is the verb at AT marked as done, by 了 or 过, and not denied, wished or foretold?"""
    before = words[max(0, at - 3) : at]
    if any(w.zh in _MODALS or w.kind is Kind.NEGATIVE for w in before):
        return False
    if any(w.zh in _DONE for w in before[-2:]):
        return True
    if at + 1 == len(words):
        return words[at].zh in _EVENTS and at > 0 and not any(w.zh in _MODALS for w in words)
    return words[at + 1].zh in ("了", "过")


def _cannot(words: Sequence[Word], at: int) -> tuple[str, int] | None:
    """Read a verb that does not reach its end: 吃不到; and how many words that takes."""
    verb = words[at]
    if verb.kind not in (Kind.VERB, Kind.BOTH) or len(verb.zh) != 1 or at + 1 >= len(words):
        return None
    denial = words[at + 1].zh
    if denial in _UNREACHED:
        return f"cannot {verb.en}", 2
    if denial == "不" and at + 2 < len(words) and words[at + 2].zh in _COMPLEMENTS:
        return f"cannot {verb.en}", 3
    return None


def _suffered(words: Sequence[Word], at: int) -> tuple[str, int]:
    """Read 被: what was done, and by whom. Nothing where no verb follows soon."""
    for place in range(at + 1, min(at + 6, len(words))):
        word = words[place]
        if word.kind is Kind.NEGATIVE:
            break
        doers = words[at + 1 : place]
        verb = word.kind in (Kind.VERB, Kind.BOTH)
        if verb and (not doers or doers[-1].zh != "的"):
            following = words[place + 1] if place + 1 < len(words) else None
            if (
                word.kind is Kind.BOTH
                and following
                and following.kind in (Kind.NOUN, Kind.BOTH, Kind.VERB)
            ):
                continue
            by = " ".join(p for p in _phrases(doers) if p)
            return f"was {english.participle(word.verb)}{f' by {by}' if by else ''}", place - at + 1
    return "", 0


def _handled(words: Sequence[Word], at: int) -> tuple[str, int]:
    """Read 把: what was done to what, in the order of English."""
    for place in range(at + 2, min(at + 7, len(words))):
        word = words[place]
        if word.kind is Kind.NEGATIVE:
            break
        if word.kind is Kind.VERB:
            what = " ".join(p for p in _phrases(words[at + 1 : place]) if p)
            verb = english.past(word.verb) if _is_past(words, place) else word.verb
            return f"{verb} {what}", place - at + 1
    return "", 0


def _denied(words: Sequence[Word], at: int, before: Sequence[str]) -> tuple[str, int]:  # noqa: C901, PLR0911, PLR0912 -- a list of rules
    """Return the negation at AT with what it denies, and how many words that took."""
    word = words[at]
    place = at + 1
    while place < len(words) and words[place].kind is Kind.DROPPED:
        place += 1
    if place < len(words) and words[place].kind is Kind.UNKNOWN:
        return f"{_alone(word)} …", place - at + 1  # what it denies is not known
    if place >= len(words) or words[place].zh == "的":
        return _alone(word), 1
    following = words[place]
    used = place - at + 1
    if following.zh in ("把", "被"):
        return _denied_turn(words, at, place)
    if word.zh == "别" and following.kind is Kind.NOUN and len(following.zh) == 1:
        return f"other {following.en}", used  # 别国: other countries
    if following.kind is Kind.NEGATIVE:
        rest, more = _denied(words, place, before)
        return f"{word.en} {rest}", place - at + more
    if word.zh == "不要" and following.kind in (Kind.NOUN, Kind.NAME, Kind.NUMBER):
        return f"do not want {following.en}", used
    if word.zh == "没有" and following.kind is Kind.PRONOUN:
        return f"without {following.en}", used
    if word.zh in ("没有", "没", "毫无", "无"):
        if following.zh in ("任何", "一个", "一点", "什么"):
            return _with_next("no", words, place, used)
        if following.kind in (Kind.NOUN, Kind.NAME, Kind.NUMBER) or (
            following.kind is Kind.BOTH and word.zh != "没"
        ):
            return f"no {following.en}", used
        if following.kind in (Kind.VERB, Kind.BOTH) and word.zh in ("无", "毫无"):
            return f"no {following.en}", used
        if following.kind in (Kind.VERB, Kind.BOTH):
            return f"did not {following.verb}", used
        return (
            _with_next("not", words, place, used)
            if following.kind is Kind.FIXED
            else (f"not {following.en}", used)
        )
    if word.zh == "未" and following.kind in (Kind.VERB, Kind.BOTH):
        return f"did not {following.verb}", used
    if word.zh == "不" and following.kind in (Kind.VERB, Kind.BOTH):
        subject = before[-1].rsplit(" ", 1)[-1] if before else ""
        ceased = place + 1 < len(words) and words[place + 1].zh == "了" and place + 2 >= len(words)
        told = f"{english.does(subject)} not {following.verb}"
        return (f"{told} any more" if ceased else told), used
    if following.kind is Kind.FIXED:
        return _with_next(word.en, words, place, used)
    return f"{word.en} {following.verb}", used


def _denied_turn(words: Sequence[Word], at: int, place: int) -> tuple[str, int]:
    """Deny what 把 or 被 at PLACE turns round."""
    word, turned = words[at], words[place].zh
    told, used = _handled(words, place) if turned == "把" else _suffered(words, place)
    if not told:
        return _alone(word), place - at + 1
    if turned == "被":
        told = re.sub("^was ", "", told)
        denied = f"was not {told}" if word.zh in _UNDONE else f"{word.en} be {told}"
    else:
        denied = f"did not {told}" if word.zh in _UNDONE else f"{word.en} {told}"
    return denied, place - at + used


def _with_next(negation: str, words: Sequence[Word], place: int, used: int) -> tuple[str, int]:
    """Deny a small word and the one after it: "not so good"."""
    small = "" if negation == "no" else words[place].en
    after = place + 1
    while after < len(words) and words[after].kind is Kind.DROPPED:
        after += 1
    if (
        after < len(words)
        and words[after].kind not in (Kind.NEGATIVE, Kind.UNKNOWN)
        and words[after].zh != "的"
    ):
        told = " ".join(p for p in (negation, small, words[after].en) if p)
        return told, used + after - place
    return f"{negation} {words[place].en}", used


def _alone(word: Word) -> str:
    return {"没有": "not", "没": "not", "别": "don't", "无": "none"}.get(word.zh, word.en)


# --------------------------------------------------------------------------------- what is told
def _chosen(clauses: Sequence[_Clause], asked: Collection[str], names: Collection[str]) -> str:
    """Return the neighbouring clauses that are worth most and fit into LONGEST characters.

    What stands together is told together: clauses from here and there would make a new sense.
    """
    told = [c for c in clauses if c.text]
    worth = [c.worth(asked, names) for c in told]
    best: tuple[float, int, int] | None = None
    for start in range(len(told)):
        total = 0.0
        if start == 0 or told[start - 1].end not in (",", ":"):
            total += 0.8  # begins where a sentence does
        if start == 0:
            total += 1.5
        for end in range(start, len(told)):
            total += worth[end]
            if len(_joined(told, range(start, end + 1))) > LONGEST:
                break
            if best is None or total > best[0]:
                best = (total, start, end + 1)
    if best is None:
        longest = max(range(len(told)), key=worth.__getitem__, default=None)
        return _cut(told[longest].phrases) if longest is not None else ""
    return _joined(told, range(best[1], best[2]))


def _joined(clauses: Sequence[_Clause], kept: Iterable[int]) -> str:
    pieces: list[str] = []
    last: int | None = None
    for number in kept:
        if last is not None:
            pieces.append(f"{clauses[last].end} " if number == last + 1 else " … ")
        pieces.append(clauses[number].text)
        last = number
    if last is not None and clauses[last].end in ("?", "!"):
        pieces.append(clauses[last].end)
    return re.sub(r" +([,.?!;:])", r"\1", "".join(pieces))


def _cut(phrases: Iterable[str]) -> str:
    told = ""
    for phrase in phrases:
        longer = f"{told} {phrase}".strip()
        if len(longer) + 1 > LONGEST:
            break
        told = longer
    return f"{told}…"


def _single_words(clauses: Iterable[_Clause]) -> str | None:
    """Return the longer words that are known, apart, of a text that is not."""
    words = dict.fromkeys(
        w.en
        for c in clauses
        for w in c.words
        if len(w.zh) > 1 and w.kind in (Kind.NOUN, Kind.NAME, Kind.VERB, Kind.BOTH, Kind.NUMBER)
    )
    told = ""
    for word in words:
        longer = f"{told}, {word}" if told else f"only these words are clear: {word}"
        if len(longer) > LONGEST:
            break
        told = longer
    return told or None


__all__ = ["LONGEST", "Glosser", "bare", "needs_one", "simplified", "table"]
