"""Words that cards print: of everybody, such as ISLAM, and common names of people and places.

``words.txt`` holds common names of people in Indonesia and the words of its provinces' and regencies' names.
Names that the bench prints are left out, so that it judges with words that are new here.
"""

import re
from functools import cache
from importlib.resources import files

_WORD = re.compile(r"[A-Z]+")
_OTHER_SIGNS = re.compile(r"[a-z\d]")


@cache
def known_words() -> frozenset[str]:
    """Return names of people and places, and what cards print for everybody, in capitals."""
    return _words("words.txt") | _card_words()


def has_only_card_words(text: str) -> bool:
    """Whether a text consists of such words, blanks and punctuation."""
    return not _OTHER_SIGNS.search(text) and all(word in _card_words() for word in _WORD.findall(text))


@cache
def _card_words() -> frozenset[str]:
    return _words("card_words.txt")


def _words(name: str) -> frozenset[str]:
    return frozenset(files(__package__ or "").joinpath(name).read_text(encoding="ascii").split())
