"""Which posts of a stream are in a language that is read. Knows no source."""

import re
from collections.abc import Collection

from watchers.model import Post

ALL = "*"
_HAN = re.compile(r"[\u4e00-\u9fff]")
_KANA_OR_HANGUL = re.compile(r"[\u3040-\u30ff\uac00-\ud7af]")
LOOKED_AT = 300  # characters


def wanted(post: Post, languages: Collection[str]) -> bool:
    """Whether POST is in one of LANGUAGES, lower case, or looks like Chinese where zh is one."""
    if ALL in languages or (post.lang or "").lower().partition("-")[0] in languages:
        return True
    text = post.text[:LOOKED_AT]
    chinese = "zh" in languages and len(_HAN.findall(text)) > 1
    return chinese and not _KANA_OR_HANGUL.search(text)
