"""Numbers, sums, dates and counts of Chinese text, in English. Pure.

A number that is not understood is left where it stands: a wrong figure is worse than none.
"""

import re
from collections.abc import Iterator
from fractions import Fraction

DIGITS = dict(zip("零〇一二三四五六七八九", (0, *range(10)), strict=True)) | {"两": 2, "俩": 2}
SCALES = {"十": 10, "百": 100, "千": 1_000, "万": 10_000, "亿": 100_000_000}
VAGUE = {
    "十": "dozens",
    "百": "hundreds",
    "千": "thousands",
    "万": "tens of thousands",
    "十万": "hundreds of thousands",
    "百万": "millions",
    "千万": "tens of millions",
    "亿": "hundreds of millions",
}
MONTHS = "January February March April May June July August September October November December"
WEEKDAYS = dict(
    zip(
        "一二三四五六",
        ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"],
        strict=True,
    )
) | {"日": "Sunday", "天": "Sunday"}
CLASSIFIERS = frozenset(
    "个只条位名台部件张辆款份家间所颗根支把项场起座套首篇段句则幅扇枚艘架顶株口种样批"
)
# what is counted, one and many; "" for a classifier, which English does not say
UNITS: dict[str, tuple[str, str]] = {
    **dict.fromkeys(
        "个只条位名台部件张辆款份家间所颗根支把项场起座套首篇段句则幅扇枚艘架顶株口", ("", "")
    ),
    "种": ("kind of", "kinds of"),
    "样": ("kind of", "kinds of"),
    "批": ("batch of", "batches of"),
    "瓶": ("bottle of", "bottles of"),
    "杯": ("cup of", "cups of"),
    "盒": ("box of", "boxes of"),
    "箱": ("case of", "cases of"),
    "袋": ("bag of", "bags of"),
    "包": ("pack of", "packs of"),
    "桶": ("bucket of", "buckets of"),
    "罐": ("can of", "cans of"),
    "双": ("pair of", "pairs of"),
    "单": ("order", "orders"),
    "人": ("person", "people"),
    "户": ("household", "households"),
    "股": ("share", "shares"),
    "页": ("page", "pages"),
    "字": ("character", "characters"),
    "层": ("floor", "floors"),
    "天": ("day", "days"),
    "周": ("week", "weeks"),
    "星期": ("week", "weeks"),
    "个星期": ("week", "weeks"),
    "个礼拜": ("week", "weeks"),
    "个月": ("month", "months"),
    "年": ("year", "years"),
    "小时": ("hour", "hours"),
    "个小时": ("hour", "hours"),
    "个钟头": ("hour", "hours"),
    "分钟": ("minute", "minutes"),
    "秒": ("second", "seconds"),
    "秒钟": ("second", "seconds"),
    "岁": ("year old", "years old"),
    **dict.fromkeys(("元", "块", "块钱", "元钱", "人民币", "元人民币"), ("yuan", "yuan")),
    "毛": ("mao", "mao"),
    "毛钱": ("mao", "mao"),
    "美元": ("US dollar", "US dollars"),
    "美金": ("US dollar", "US dollars"),
    "欧元": ("euro", "euros"),
    "英镑": ("pound", "pounds"),
    "港币": ("HK dollar", "HK dollars"),
    "港元": ("HK dollar", "HK dollars"),
    "日元": ("yen", "yen"),
    "美分": ("US cent", "US cents"),
    "分钱": ("fen", "fen"),
    "分": ("point", "points"),
    "公里": ("km", "km"),
    "千米": ("km", "km"),
    "米": ("m", "m"),
    "厘米": ("cm", "cm"),
    "毫米": ("mm", "mm"),
    "平米": ("m²", "m²"),
    "平方米": ("m²", "m²"),
    "斤": ("jin", "jin"),
    "公斤": ("kg", "kg"),
    "千克": ("kg", "kg"),
    "克": ("g", "g"),
    "毫克": ("mg", "mg"),
    "吨": ("tonne", "tonnes"),
    "升": ("litre", "litres"),
    "毫升": ("ml", "ml"),
    "度": ("degree", "degrees"),
    "英寸": ("inch", "inches"),
    "寸": ("inch", "inches"),
    "点": ("o'clock", "o'clock"),
    "点钟": ("o'clock", "o'clock"),
}
_FIGURE = r"\d+(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
_CHINESE = "[零〇一二两俩三四五六七八九十百千万亿]"
_NUMBER = rf"(?:(?:{_FIGURE})[十百千万亿]{{0,2}}|{_CHINESE}+)"
_UNIT = "|".join(sorted((*UNITS, "次", "回", "遍", "趟", "倍"), key=len, reverse=True))
_PATTERN = re.compile(
    rf"(?P<percent>百分之(?:{_NUMBER})(?:点{_CHINESE}+)?|(?:{_FIGURE})[%\uff05])"
    rf"|(?P<date>(?:(?:\d{{2,4}}|[零〇一二三四五六七八九]{{2,4}})年)?(?:\d{{1,2}}|[一二三四五六七八九十]{{1,2}})月"
    rf"(?:份|(?:\d{{1,2}}|[一二三四五六七八九十]{{1,3}})[日号]?)?)"
    rf"|(?P<year>\d{{4}}年|[一二][零〇一二三四五六七八九]{{3}}年)"
    rf"|(?P<weekday>(?:星期|礼拜|周)[一二三四五六日天])"
    rf"|(?P<clock>(?:\d{{1,2}}|[一二三四五六七八九十两]{{1,2}})[点时](?:半|\d{{1,2}}分?|[一二三四五]?十[一二三四五六七八九]?分)"
    rf"|\d{{1,2}}:\d{{2}}(?::\d{{2}})?)"
    rf"|(?P<off>打?(?:\d(?:\.\d)?|[一二三四五六七八九]{{1,2}})折)"
    rf"|(?P<ordinal>第(?:\d+|{_CHINESE}+)(?:{_UNIT})?)"
    rf"|(?P<half>半(?:年|个月|天|个小时|小时|个|辈子))"
    rf"|(?P<vague>(?:好几|几|数|上|成)(?:千万|百万|十万|[十百千万亿])(?!分)(?P<vague_unit>{_UNIT})?)"
    rf"|(?P<few>(?:好几|几)(?P<few_unit>{_UNIT}))"
    rf"|(?P<day>(?:\d{{1,4}}|[一二三四五六七八九十]{{1,3}})[日号])"
    rf"|(?P<range>(?P<low>{_FIGURE})\s*[-~～—至到]\s*(?P<high>{_FIGURE})(?P<range_scale>[百千万亿]{{0,2}})"
    rf"(?P<range_unit>{_UNIT})?)"
    rf"|(?P<plain>(?P<value>{_NUMBER})(?P<more>多万|多亿|余万|余亿|[多余来几])?"
    rf"(?:(?P<half_first>个半)(?P<half_of>小时|月|钟头|星期)|(?P<unit>{_UNIT})(?P<half_after>半)?(?P<later_more>多)?)?)"
)


def find(text: str) -> Iterator[tuple[int, int, str, bool]]:
    """Yield start, end, English, and whether it is a number for sure: written in figures."""
    for found in _PATTERN.finditer(text):
        told = _told(found, text)
        if told:
            sure = re.search("[0-9]", found[0]) is not None or found.lastgroup == "percent"
            yield *found.span(), told, sure


def value(number: str) -> Fraction | None:
    """Return what NUMBER says: "3.5万" is 35,000, "一万二" 12,000, "二零一九" 2019."""
    figure = re.match(_FIGURE, number)
    if figure is not None:
        amount = Fraction(figure[0].replace(",", ""))
        for scale in number[figure.end() :]:
            amount *= SCALES[scale]
        return amount
    if not any(c in SCALES for c in number):
        if len(number) == 1:
            return Fraction(DIGITS[number])
        return Fraction("".join(str(DIGITS[c]) for c in number)) if len(number) > 2 else None
    return _composed(number)


def _composed(number: str) -> Fraction | None:
    """Return the value of a number with scales, read from the left as people do."""
    total = section = digit = 0
    last = 0  # the scale just read: what follows without a zero is a tenth of it
    for place, char in enumerate(number):
        if char in DIGITS:
            if digit:
                return None  # 三四十: thirty or forty
            digit = DIGITS[char]
            if char in "零〇":
                last = 0
        elif SCALES[char] < 10_000:
            section += (digit or (1 if char == "十" or not place else 0)) * SCALES[char]
            last, digit = SCALES[char], 0
        else:
            if section + digit == 0 and total == 0:
                return None
            if total and SCALES[char] > 10_000:
                total = (total + section + digit) * SCALES[char]
            else:
                total += (section + digit) * SCALES[char]
            last, section, digit = SCALES[char], 0, 0
    if digit and last >= 100:
        digit = digit * last // 10
    return Fraction(total + section + digit)


def words(amount: Fraction) -> str:
    """Return AMOUNT for people: "3,000", "1.2 million", "3.5"."""
    for size, name in ((10**9, "billion"), (10**6, "million")):
        if amount >= size and (amount * 1000 / size).denominator == 1:
            return f"{_plain(amount / size)} {name}"
    return _plain(amount)


def _plain(amount: Fraction) -> str:
    if amount.denominator == 1:
        return f"{int(amount):,}"
    return f"{float(amount):,.10f}".rstrip("0")


def _told(found: re.Match[str], text: str) -> str | None:  # noqa: PLR0911 -- a table
    whole = found[0]
    match found.lastgroup:
        case "percent":
            return _percent(whole)
        case "date":
            return _date(whole)
        case "year":
            year = value(whole[:-1])
            return f"{int(year)}" if year is not None else None
        case "weekday":
            return WEEKDAYS[whole[-1]]
        case "clock":
            return _clock(whole)
        case "off":
            return _off(whole.removeprefix("打")[:-1])
        case "day":
            return _day(whole, text[found.end() : found.end() + 1])
        case "half":
            return "half" if whole == "半个" else f"half a {_single(whole[1:])}"
    return _counted(found, text)


def _counted(found: re.Match[str], text: str) -> str | None:
    if found["ordinal"]:
        return _ordinal(found["ordinal"])
    if found["vague"]:
        scale = re.sub("^(?:好几|几|数|上|成)", "", found["vague"]).removesuffix(
            found["vague_unit"] or ""
        )
        return _with_unit(VAGUE[scale], found["vague_unit"], many=True)
    if found["few"]:
        return _with_unit("several", found["few_unit"], many=True)
    if found["range"]:
        low, high = (
            value(found["low"] + found["range_scale"]),
            value(found["high"] + found["range_scale"]),
        )
        if low is None or high is None or low >= high:
            return None
        return _with_unit(f"{words(low)}-{words(high)}", found["range_unit"], many=True)
    return _amount(found, text)


def _amount(found: re.Match[str], text: str) -> str | None:  # noqa: C901, PLR0911, PLR0912 -- a table
    number, unit = found["value"], found["unit"]
    chinese = not number[0].isascii()
    pair = re.fullmatch("([一二两三四五六七八九])([二三四五六七八九])([十百千万亿]?)", number)
    if pair is not None:
        low, high = (DIGITS[c] * SCALES.get(pair[3], 1) for c in pair.groups()[:2])
        if not (low < high and unit):
            return None
        return _with_unit(f"{low:,}-{high:,}", unit, many=True)
    if chinese and not unit and not found["half_first"]:
        # without a unit only what is clearly a number: 三千 is, 一 and 万 are parts of words
        clear = (
            len(number) > 1
            and any(c in DIGITS for c in number)
            and any(c in SCALES for c in number)
        )
        if not clear and not re.fullmatch("十[一二三四五六七八九]", number):
            return None
    amount = value(number)
    if amount is None:
        return None
    more = found["more"] or ""
    if more[1:]:
        amount *= SCALES[more[1:]]
    if more[:1] == "几" and amount % 10:
        return None
    plus = "+" if more or found["later_more"] else ""
    if found["half_first"]:
        return f"{words(amount + Fraction(1, 2))} {_single(found['half_of'])}s"
    if found["half_after"]:
        if unit not in ("年", "天", "周"):
            return None
        return f"{words(amount + Fraction(1, 2))} {UNITS[unit][1]}"
    if unit == "元" and text[found.end() : found.end() + 1] == "旦":
        return None
    if unit == "年" and re.fullmatch(r"[012]\d", number) and _is_year(text, *found.span()):
        return f"20{number}"
    if unit == "点" and not _is_clock(text, *found.span()):
        unit = "分"  # points, of a list or a score
    if unit == "股" and amount < 100:
        unit = "个"  # 一股 of a smell is no share
    told = number if number.isdecimal() and number.isascii() else words(amount)
    return _with_unit(f"{told}{plus}", unit, many=amount != 1 or bool(plus))


def _is_clock(text: str, start: int, end: int) -> bool:
    """Is the 四点 at START a time of the day? A part of the day stands before it, or none after."""
    before, after = text[max(0, start - 1) : start], text[end : end + 1]
    timed = bool(before) and before in "午晚早晨夜天日号到"
    return timed or not ("\u3400" <= after <= "\u9fff") or after in "多左前后开起到就才还了过整"


def _is_year(text: str, start: int, end: int) -> bool:
    """Is the 13年 at START a year, and not 13 years? It opens a clause and something follows."""
    after = text[end : end + 1]
    opens = start == 0 or not text[start - 1].isalnum()
    return text[start] == "0" or (
        opens and "\u3400" <= after <= "\u9fff" and after not in "前后来以内间里的多了半时历"
    )


def _with_unit(number: str, unit: str | None, *, many: bool) -> str:
    if not unit:
        return number
    if unit in ("次", "回", "遍", "趟"):
        return {"1": "once", "2": "twice"}.get(number, f"{number} times")
    if unit == "倍":
        return f"{number} times as much"
    if number in VAGUE.values():
        told = UNITS[unit][1].removesuffix(" of")
        return f"{number} of {told}" if told else number
    return f"{number} {UNITS[unit][many]}".strip()


def _percent(whole: str) -> str | None:
    number = whole.removeprefix("百分之").rstrip("%\uff05")
    before, _, after = number.partition("点")
    amount = Fraction(100) if before == "百" else value(before)
    if amount is None:
        return None
    return f"{_plain(amount)}{'.' if after else ''}{''.join(str(DIGITS[c]) for c in after)}%"


def _date(whole: str) -> str | None:
    year, _, rest = whole.rpartition("年")
    month_text, _, day_text = rest.partition("月")
    month = value(month_text)
    day_text = day_text.rstrip("日号份")
    day = value(day_text) if day_text else None
    if month is None or not 1 <= month <= 12 or (day_text and (day is None or not 1 <= day <= 31)):
        return None
    told = MONTHS.split()[int(month) - 1]
    if day is not None:
        told += f" {int(day)}"
    if year:
        number = value(year) if len(year) != 2 or year.isdecimal() else None
        if number is None:
            return None
        told += f" {int(number) if number > 99 else int(number) + 2000}"
    return told


def _clock(whole: str) -> str | None:
    if ":" in whole:
        return whole
    hour_text, _, rest = whole.replace("时", "点").partition("点")
    hour = value(hour_text)
    minute = Fraction(30) if rest == "半" else value(rest.rstrip("分"))
    if hour is None or minute is None or hour > 24 or minute > 59:
        return None
    return f"{int(hour)}:{int(minute):02d}"


def _day(whole: str, after: str) -> str | None:
    """Return a day of the month, or how many days: 五日 counts them, 5日 does if 内 follows."""
    number, mark = whole[:-1], whole[-1]
    if re.fullmatch("[一二三四五六七八九]{2,3}", number):
        return None
    day = value(number)
    if day is None:
        return None
    if mark == "日" and (
        not number.isdecimal() or not number.isascii() or after in {"内", "后", "以"}
    ):
        return f"{int(day)} {'day' if day == 1 else 'days'}"
    return f"the {ordinal(int(day))}" if 0 < day <= 31 else f"no. {int(day)}"


def _off(number: str) -> str | None:
    """Return a price cut: 八折 is a fifth off, 八五折 fifteen per cent."""
    if re.fullmatch("[一二三四五六七八九]{2}", number):
        kept = Fraction(DIGITS[number[0]] * 10 + DIGITS[number[1]])
    else:
        amount = value(number)
        if amount is None:
            return None
        kept = amount * 10
    return f"{_plain(100 - kept)}% off" if 0 < kept < 100 else None


def _ordinal(whole: str) -> str | None:
    found = re.match(rf"第(\d+|{_CHINESE}+)(.*)", whole)
    amount = value(found[1]) if found else None
    if found is None or amount is None or amount.denominator != 1:
        return None
    unit = found[2]
    told = ordinal(int(amount))
    if unit in ("次", "回", "遍", "趟"):
        return f"{told} time"
    return f"{told} {_single(unit)}".strip() if unit else told


def ordinal(number: int) -> str:
    """Return "1st", "22nd", "13th"."""
    ending = (
        "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    )
    return f"{number:,}{ending}"


def _single(unit: str) -> str:
    if unit == "月":
        return "month"
    if unit == "辈子":
        return "lifetime"
    return UNITS.get(unit, ("", ""))[0].removesuffix(" of")
