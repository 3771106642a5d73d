"""Values of which a card can hold only a few, and the misread text that still means one of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from rapidfuzz.distance import Levenshtein

from service.reading.documents.characters import fold, folded_word

#: How alike a text must be to a known word, 0 to 1: one wrong letter in five.
_LIKENESS = 0.8

#: A text less alike still means a word when every other word is further off by the lead: LAK-LAKG is no
#: PEREMPUAN.
_CLEAR_LIKENESS, _CLEAR_LEAD = 0.6, 0.25

#: How alike two known words are that are spellings of one, such as KATOLIK and KATHOLIK: no rivals.
_SPELLINGS = 0.8

#: How alike a text must be to a name in a long list of them: one wrong letter in seven.
_NAME_LIKENESS = 0.85


@dataclass(frozen=True, slots=True)
class Word:
    """A known word that a text means."""

    value: str
    #: 0 to 1: 1 when the text is the word, but for look-alike characters.
    likeness: float


#: Religions as printed; both spellings of two of them are in use.
RELIGIONS = (
    "ISLAM",
    "KRISTEN",
    "KATOLIK",
    "KATHOLIK",
    "HINDU",
    "BUDDHA",
    "BUDHA",
    "KHONGHUCU",
    "KONGHUCU",
    "KEPERCAYAAN",
    "KEPERCAYAAN TERHADAP TUHAN YME",
    "LAINNYA",
)

MARITAL_STATUSES = (
    "BELUM KAWIN",
    "KAWIN",
    "KAWIN TERCATAT",
    "KAWIN BELUM TERCATAT",
    "CERAI HIDUP",
    "CERAI MATI",
)

#: What is printed, to what the contract wants.
GENDERS = {"LAKI-LAKI": "LAKI-LAKI", "PRIA": "LAKI-LAKI", "PEREMPUAN": "PEREMPUAN", "WANITA": "PEREMPUAN"}

NATIONALITIES = ("WNI", "WNA")

LIFELONG = "SEUMUR HIDUP"


def nearest(text: str, words: Sequence[str]) -> Word | None:
    """The word that ``text`` means, or None when no word is near enough or two are equally near.

    A text that goes on behind the word (a neighbour that was read in one piece with it) still means it,
    when it has the word's beginning without a mistake.
    """
    folded, _ = fold(text)
    if not folded:
        return None
    known = {word: folded_word(word) for word in words}
    ranked = sorted(
        ((Levenshtein.normalized_similarity(folded, plain), word) for word, plain in known.items()),
        reverse=True,
    )
    likeness, word = ranked[0]
    rivals = [other for other, name in ranked if not _is_spelling(known[name], known[word])]
    lead = likeness - max(rivals, default=0.0)
    if (likeness >= _LIKENESS and lead > 0) or (likeness >= _CLEAR_LIKENESS and lead >= _CLEAR_LEAD):
        return Word(word, likeness)
    beginnings = [word for word, plain in known.items() if len(plain) > 4 and folded.startswith(plain)]
    return Word(max(beginnings, key=len), _LIKENESS) if beginnings else None


def spelt(text: str, names: Sequence[str]) -> Word | None:
    """The name that ``text`` spells with few mistakes, or None when there is none or two are equally near.

    Unlike ``nearest`` it takes no name for the beginning of a longer one, and a text that has a name's
    letters keeps its own blanks and full stops: lists differ in them, and cards follow no list. Only blanks
    that are fewer than the name's were lost by the engine.
    """
    folded, _ = fold(text)
    ranked = sorted(
        ((Levenshtein.normalized_similarity(folded, folded_word(name)), name) for name in names), reverse=True
    )
    if not ranked or ranked[0][0] < _NAME_LIKENESS:
        return None
    likeness, name = ranked[0]
    rivals = {folded_word(rival) for other, rival in ranked if other == likeness}
    if len(rivals) > 1:
        return None
    written = " ".join(text.upper().split())
    is_kept = _letters(written) == _letters(name) and written.count(" ") >= name.count(" ")
    return Word(written if is_kept else name, likeness)


def _is_spelling(one: str, other: str) -> bool:
    return Levenshtein.normalized_similarity(one, other) >= _SPELLINGS


def _letters(text: str) -> str:
    return "".join(character for character in text if character.isalnum())
