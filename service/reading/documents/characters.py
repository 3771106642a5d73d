"""Characters that OCR engines mistake for one another, put right where the position tells what is meant."""

import re
from functools import cache
from string import ascii_uppercase

#: Letters and signs that stand for a digit where only digits can be printed.
_DIGIT_MEANT = str.maketrans(
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

#: Further digits that the same letters, and letters less alike, may stand for where a number can be weighed
#: against what else the card says.
_ALSO_MEANT = {
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

#: Digits and signs that stand for a letter where only letters can be printed.
_LETTER_MEANT = str.maketrans(
    {"0": "O", "1": "I", "|": "I", "!": "I", "5": "S", "8": "B", "6": "G", "2": "Z"}
)

#: What a regular expression has to accept as one digit.
DIGIT_LIKE = r"[0-9OoQDIil|!\]ZzSsbGBgq]"

#: What each repaired character leaves of a field's confidence: one repair alone sends a NIK to review.
REPAIR_FACTOR = 0.9

#: The colon before a value, with what little of the label or of a stray mark was read in front of it.
_COLON = re.compile(r"^[\s:;.,·•=*'`\"_|]*(?:\w{1,2}\s*[:;]+[\s:;.,]*)?")
#: A colon that was read as a small letter and stuck to the capital behind it: "iBUDI".
_COLON_AS_LETTER = re.compile(r"^[iltj](?=[A-Z]{2})")


def repair_digits(text: str) -> tuple[str, int] | None:
    """Read ``text``, which can only be digits, and count the repairs; None when a character fits no digit.

    Spaces and the separators that cards print between digits are dropped.
    """
    packed = pack_digits(text)
    digits = packed.translate(_DIGIT_MEANT)
    if not digits or not (digits.isascii() and digits.isdigit()):
        return None
    return digits, sum(before != after for before, after in zip(packed, digits, strict=True))


def pack_digits(text: str) -> str:
    """``text`` without the blanks and the separators that cards print between digits."""
    return re.sub(r"[\s.,:;/_\-\u2013\u2014]", "", text)


def digit_options(character: str) -> str:
    """The digits that ``character`` may stand for, the likeliest first; empty when it stands for none."""
    likely = character.translate(_DIGIT_MEANT)
    return (likely if likely.isascii() and likely.isdigit() else "") + _ALSO_MEANT.get(character, "")


def repair_letters(text: str) -> tuple[str, int]:
    """Upper-case ``text``, which can only be letters and punctuation, and count the repairs.

    A small l among capitals is a misread I: cards print values in capitals only.
    """
    capitals = re.sub(r"(?<=[A-Z])l|l(?=[A-Z])", "I", text)
    letters = capitals.translate(_LETTER_MEANT)
    return letters.upper(), sum(before != after for before, after in zip(text, letters, strict=True))


def confidence_after(confidence: float, repairs: int) -> float:
    """The confidence that is left after so many repaired characters."""
    return confidence * REPAIR_FACTOR**repairs


def strip_colon(text: str) -> str:
    """Remove the colon between label and value, however it was read, and surrounding blanks."""
    return _COLON_AS_LETTER.sub("", _COLON.sub("", text)).strip()


def single_spaced(text: str) -> str:
    """Collapse runs of blanks and put the blank back that engines lose behind a comma between words."""
    return re.sub(r"\s*,\s*(?=[^\W\d])", ", ", " ".join(text.split()))


def fold(text: str) -> tuple[str, tuple[int, ...]]:
    """Reduce ``text`` to what survives misreading, for comparing it with known words.

    Letters and digits only, small, look-alikes made equal (i l 1 | -> i, o 0 -> o, rn -> m). The second
    value gives, for each folded character, the offset in ``text`` just behind it.
    """
    kept = [*_KEPT.finditer(text.translate(_FOLDED))]
    return "".join([_AS_ONE.get(one[0], one[0]) for one in kept]), tuple([one.end() for one in kept])


@cache
def folded_word(word: str) -> str:
    """Return ``word`` folded; for known words only, which are few and compared often: it is kept."""
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
