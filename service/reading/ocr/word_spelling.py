"""Where words end, by their spelling: letters that hardly ever follow each other belong to two words.

``words.txt`` holds common names of people in Indonesia and the words of its provinces' and regencies' names.
Names that the bench prints are left out, so that it judges with words that are new here. Letters are counted
by threes; what is rare leans on pairs, and pairs on single letters (additive smoothing; MacKay and Peto, "A
Hierarchical Dirichlet Language Model", 1995).
"""

import math
import re
from collections import Counter
from collections.abc import Iterable
from functools import cache
from importlib.resources import files

#: Stands for what is before and behind a word.
EDGE = "#"

#: Weights of pairs under threes, and of single letters under pairs, in counts. On lines with lost blanks
#: smaller ones did worse.
_PAIR_WEIGHT, _LETTER_WEIGHT = 50, 20

_LETTERS = 27

_WORD, _LETTERS_BEFORE = re.compile(r"[A-Z]+"), re.compile(r"[A-Z]+$")
_OTHER_SIGNS = re.compile(r"[a-z\d]")


@cache
def boundary_log_odds(before: str, after: str) -> float:
    """Return the logarithm of how much likelier a word ends between two pieces of text than goes on.

    ``before`` holds the last two characters of the first piece and ``after`` the first two of the second, in
    capitals, with ``EDGE`` for what is no letter. Words and letters are taken to be equally frequent.
    """
    model = _model()
    apart = model.log(before + EDGE) + model.log(EDGE + EDGE + after[0]) + model.log(EDGE + after)
    return apart - model.log(before + after[0]) - model.log(before[1] + after)


class _Letters:
    """Counts of letters, pairs and threes in words with their edges."""

    def __init__(self, words: Iterable[str]) -> None:
        self._counts: Counter[str] = Counter()
        #: How often something follows a letter or a pair.
        self._followed: Counter[str] = Counter()
        for word in words:
            text = EDGE + EDGE + word + EDGE
            for end in range(2, len(text)):
                self._counts.update((text[end], text[end - 1 : end + 1], text[end - 2 : end + 1]))
                self._followed.update((text[end - 1], text[end - 2 : end]))
        self._total = sum(count for piece, count in self._counts.items() if len(piece) == 1)

    def log(self, three: str) -> float:
        """Return the logarithm of the probability of the third character behind the other two."""
        letter = (self._counts[three[2]] + 1) / (self._total + _LETTERS)
        pair = self._smoothed(three[1:], letter, _LETTER_WEIGHT)
        return math.log(self._smoothed(three, pair, _PAIR_WEIGHT))

    def _smoothed(self, piece: str, lower: float, weight: float) -> float:
        return (self._counts[piece] + weight * lower) / (self._followed[piece[:-1]] + weight)


@cache
def known_words() -> frozenset[str]:
    """Return names of people and places, and what cards print for everybody, in capitals."""
    return _words("words.txt") | _card_words()


def is_known_word(text: str, offset: int) -> bool:
    """Whether the capitals around an offset are one known word, so that no blank is missing between them."""
    return _word_around(text, offset) in known_words()


def is_card_word(text: str, offset: int) -> bool:
    """Whether the capitals around an offset are a word that cards print for everybody, and no name."""
    return _word_around(text, offset) in _card_words()


def has_only_card_words(text: str) -> bool:
    """Whether a text consists of such words, blanks and punctuation."""
    return not _OTHER_SIGNS.search(text) and all(word in _card_words() for word in _WORD.findall(text))


def _word_around(text: str, offset: int) -> str:
    before, after = _LETTERS_BEFORE.search(text, 0, offset), _WORD.match(text, offset)
    return before[0] + after[0] if before and after else ""


@cache
def _card_words() -> frozenset[str]:
    return _words("card_words.txt")


def _words(name: str) -> frozenset[str]:
    return frozenset(files(__package__ or "").joinpath(name).read_text(encoding="ascii").split())


@cache
def _model() -> _Letters:
    return _Letters(_words("words.txt"))
