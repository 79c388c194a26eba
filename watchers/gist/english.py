"""As much English grammar as a gloss needs: past tense, participle, the forms of "be". Pure."""

import re

IRREGULAR = {  # base: past, participle where it differs
    "be": ("was", "been"),
    "become": ("became", "become"),
    "beat": ("beat", "beaten"),
    "begin": ("began", "begun"),
    "blow": ("blew", "blown"),
    "break": ("broke", "broken"),
    "bring": ("brought",),
    "build": ("built",),
    "buy": ("bought",),
    "catch": ("caught",),
    "choose": ("chose", "chosen"),
    "come": ("came", "come"),
    "cost": ("cost",),
    "cut": ("cut",),
    "do": ("did", "done"),
    "draw": ("drew", "drawn"),
    "drink": ("drank", "drunk"),
    "drive": ("drove", "driven"),
    "eat": ("ate", "eaten"),
    "fall": ("fell", "fallen"),
    "feed": ("fed",),
    "feel": ("felt",),
    "fight": ("fought",),
    "find": ("found",),
    "flee": ("fled",),
    "fly": ("flew", "flown"),
    "forbid": ("forbade", "forbidden"),
    "forget": ("forgot", "forgotten"),
    "freeze": ("froze", "frozen"),
    "get": ("got",),
    "give": ("gave", "given"),
    "go": ("went", "gone"),
    "grow": ("grew", "grown"),
    "hang": ("hung",),
    "have": ("had",),
    "hear": ("heard",),
    "hide": ("hid", "hidden"),
    "hit": ("hit",),
    "hold": ("held",),
    "hurt": ("hurt",),
    "keep": ("kept",),
    "know": ("knew", "known"),
    "lay": ("laid",),
    "lead": ("led",),
    "leave": ("left",),
    "lend": ("lent",),
    "let": ("let",),
    "lose": ("lost",),
    "make": ("made",),
    "mean": ("meant",),
    "meet": ("met",),
    "mislead": ("misled",),
    "owe": ("owed",),
    "pay": ("paid",),
    "put": ("put",),
    "read": ("read",),
    "ride": ("rode", "ridden"),
    "rip": ("ripped",),
    "rise": ("rose", "risen"),
    "run": ("ran", "run"),
    "say": ("said",),
    "see": ("saw", "seen"),
    "sell": ("sold",),
    "send": ("sent",),
    "set": ("set",),
    "shake": ("shook", "shaken"),
    "show": ("showed", "shown"),
    "shut": ("shut",),
    "sing": ("sang", "sung"),
    "sit": ("sat",),
    "sleep": ("slept",),
    "speak": ("spoke", "spoken"),
    "spend": ("spent",),
    "split": ("split",),
    "spread": ("spread",),
    "stand": ("stood",),
    "steal": ("stole", "stolen"),
    "stick": ("stuck",),
    "strike": ("struck",),
    "sue": ("sued",),
    "swear": ("swore", "sworn"),
    "swim": ("swam", "swum"),
    "take": ("took", "taken"),
    "teach": ("taught",),
    "tear": ("tore", "torn"),
    "tell": ("told",),
    "think": ("thought",),
    "throw": ("threw", "thrown"),
    "understand": ("understood",),
    "wake": ("woke", "woken"),
    "wear": ("wore", "worn"),
    "win": ("won",),
    "write": ("wrote", "written"),
}
_FORMS = frozenset(form for forms in IRREGULAR.values() for form in forms) - frozenset(IRREGULAR)
_DOUBLED = frozenset(
    [
        "admit",
        "ban",
        "beg",
        "compel",
        "drop",
        "expel",
        "fit",
        "grab",
        "infer",
        "nod",
        "occur",
        "plan",
        "plot",
        "prefer",
        "refer",
        "rob",
        "scam",
        "shop",
        "slam",
        "slap",
        "snap",
        "spot",
        "stir",
        "stop",
        "strip",
        "trap",
        "wrap",
        "ship",
        "trip",
    ]
)
_ADVERBS = frozenset(("spontaneously", "secretly", "falsely", "quickly", "fraudulently"))


def past(phrase: str) -> str:
    """Return the past tense of PHRASE, whose verb stands in front: "catch fire", "caught fire"."""
    return _inflected(phrase, 0)


def participle(phrase: str) -> str:
    """Return the participle of PHRASE: "take away", "taken away"."""
    return _inflected(phrase, 1)


def _inflected(phrase: str, form: int) -> str:
    before, verb, rest = _parts(phrase)
    forms = IRREGULAR.get(verb)
    if forms is not None:
        changed = forms[min(form, len(forms) - 1)]
    elif verb in _FORMS or re.fullmatch(r".*[^e]ed|.*[^a-z].*", verb):
        changed = verb  # stands in the past already
    elif verb.endswith("e"):
        changed = f"{verb}d"
    elif re.search("[^aeiou]y$", verb):
        changed = f"{verb[:-1]}ied"
    elif verb in _DOUBLED:
        changed = f"{verb}{verb[-1]}ed"
    else:
        changed = f"{verb}ed"
    return f"{before}{changed}{rest}"


def _parts(phrase: str) -> tuple[str, str, str]:
    first, space, rest = phrase.partition(" ")
    if first in _ADVERBS:
        verb, gap, more = rest.partition(" ")
        return f"{first}{space}", verb, f"{gap}{more}"
    return "", first, f"{space}{rest}"


def be(subject: str) -> str:
    """Return the form of "be" for the last word of SUBJECT."""
    if subject == "I":
        return "am"
    return "are" if subject in ("we", "you", "they", "these", "those", "people") else "is"


def does(subject: str) -> str:
    """Return "do" or "does" for the last word of SUBJECT."""
    return "do" if subject in ("I", "we", "you", "they", "people", "everyone's") else "does"


def third(phrase: str) -> str:
    """Return PHRASE as "it" does it: "says", "denies"."""
    before, verb, rest = _parts(phrase)
    if re.search("[^aeiou]y$", verb):
        return f"{before}{verb[:-1]}ies{rest}"
    ending = "es" if re.search("(?:s|x|z|ch|sh|o)$", verb) else "s"
    return f"{before}{verb}{ending}{rest}"
