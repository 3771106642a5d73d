"""Repairs characters that OCR engines confuse, where only digits or only letters can be printed."""

import re
from functools import cache
from string import ascii_uppercase

#: Letters and signs that are read in place of a digit, with the likeliest digit.
_LIKELIEST_DIGIT = str.maketrans(
    {
        **dict.fromkeys("OoQD", "0"),
        **dict.fromkeys("Iil|!]", "1"),
        **dict.fromkeys("Zz", "2"),
        **dict.fromkeys("Ss", "5"),
        **dict.fromkeys("bG", "6"),
        "B": "8",
        **dict.fromkeys("gq", "9"),
    }
)

#: Further digits that these and less similar letters may stand for. Used only where the number can be checked
#: against the rest of the card.
_OTHER_DIGITS = {
    **dict.fromkeys("Zz", "7"),
    **dict.fromkeys("Ss", "8"),
    "b": "8",
    "G": "0",
    "B": "36",
    **dict.fromkeys("UuC", "0"),
    "L": "1",
    **dict.fromkeys("Ah", "4"),
    **dict.fromkeys("T?", "7"),
    "&": "8",
}

#: Digits and signs that are read in place of a letter.
_LIKELIEST_LETTER = str.maketrans(
    {"0": "O", "1": "I", "|": "I", "!": "I", "5": "S", "8": "B", "6": "G", "2": "Z"}
)

#: Regular expression for a character that may be a digit.
DIGIT_LIKE = r"[0-9OoQDIil|!\]ZzSsbGBgq]"

#: Factor on the confidence of a field per repaired character: one repair alone sends a NIK to review.
REPAIR_FACTOR = 0.9

#: The colon before a value, with stray marks or the rest of the label, in small letters, in front of it.
_COLON = re.compile(r"^[\s:;.,·•=*'`\"_|]*(?:(?:\w{1,2}|\w?[a-z]{2,15})\s*[:;]+[\s:;.,]*)?")
#: A colon that was read as a small letter joined to the capital behind it: "iBUDI".
_COLON_AS_LETTER = re.compile(r"^[iltj](?=[A-Z]{2})")


def repair_digits(text: str) -> tuple[str, int] | None:
    """Return ``text`` as digits with the number of repairs; None if a character is like no digit.

    Blanks and the separators that cards print between digits are removed.
    """
    packed = pack_digits(text)
    digits = packed.translate(_LIKELIEST_DIGIT)
    if not digits or not (digits.isascii() and digits.isdigit()):
        return None
    return digits, sum(before != after for before, after in zip(packed, digits, strict=True))


def pack_digits(text: str) -> str:
    """Remove blanks and the separators that cards print between digits."""
    return re.sub(r"[\s.,:;/_\-\u2013\u2014]", "", text)


def digit_options(character: str) -> str:
    """Return the digits that ``character`` may stand for, the likeliest first; empty if there is none."""
    likely = character.translate(_LIKELIEST_DIGIT)
    return (likely if likely.isascii() and likely.isdigit() else "") + _OTHER_DIGITS.get(character, "")


def repair_letters(text: str) -> tuple[str, int]:
    """Return ``text`` as capitals and punctuation with the number of repairs.

    A small l among capitals is a misread I: cards print values in capitals only.
    """
    capitals = re.sub(r"(?<=[A-Z])l|l(?=[A-Z])", "I", text)
    letters = capitals.translate(_LIKELIEST_LETTER)
    return letters.upper(), sum(before != after for before, after in zip(text, letters, strict=True))


def confidence_after(confidence: float, repairs: int) -> float:
    """Return the confidence after ``repairs`` repaired characters."""
    return confidence * REPAIR_FACTOR**repairs


def strip_colon(text: str) -> str:
    """Remove the colon between label and value, even if misread, and surrounding blanks."""
    return _COLON_AS_LETTER.sub("", _COLON.sub("", text)).strip()


def single_spaced(text: str) -> str:
    """Collapse runs of blanks, and restore the blank behind a comma between words."""
    return re.sub(r"\s*,\s*(?=[^\W\d])", ", ", " ".join(text.split()))


def fold(text: str) -> tuple[str, tuple[int, ...]]:
    """Reduce ``text`` to a form that survives misreading, for comparison with known words.

    Keeps letters and digits in lower case and merges look-alikes (i l 1 | -> i, o 0 -> o, rn -> m). The
    second value gives, for each folded character, the offset in ``text`` just behind it.
    """
    kept = [*_KEPT.finditer(text.translate(_FOLDED))]
    return "".join([_AS_ONE.get(one[0], one[0]) for one in kept]), tuple([one.end() for one in kept])


@cache
def folded_word(word: str) -> str:
    """Return ``word`` folded. Cached: only for known words, which are few and compared often."""
    return fold(word)[0]


_FOLDED = str.maketrans(
    {
        **{capital: capital.lower() for capital in ascii_uppercase},
        **dict.fromkeys("lI1|!iíì", "i"),
        **dict.fromkeys("0Oo", "o"),
        **dict.fromkeys("5Ss", "s"),
        **dict.fromkeys("8Bb", "b"),
    }
)

_KEPT = re.compile(r"rn|[^\W_]")

_AS_ONE = {"rn": "m"}
