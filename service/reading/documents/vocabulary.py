"""Closed vocabularies of a card, and fuzzy matching of misread text against them."""

from collections.abc import Sequence
from dataclasses import dataclass

from rapidfuzz.distance import Levenshtein

from service.reading.documents.characters import fold, folded_word

#: Minimum similarity of a text and a known word, 0 to 1: one wrong letter in five.
_MIN_LIKENESS = 0.8

#: A less similar text still matches if every other word is less similar by the lead: LAK-LAKG is not
#: PEREMPUAN.
_MIN_LIKENESS_WITH_LEAD, _MIN_LEAD = 0.6, 0.25

#: Similarity from which two known words are spellings of one, such as KATOLIK and KATHOLIK, and do not
#: compete.
_MIN_SPELLING_LIKENESS = 0.8

#: Minimum similarity of a text and a name in a long list: one wrong letter in seven.
_MIN_NAME_LIKENESS = 0.85


@dataclass(frozen=True, slots=True)
class Word:
    """A known word that a text matches."""

    value: str
    #: Similarity, 0 to 1; 1 if only look-alike characters differ.
    likeness: float


#: Religions as printed; some have two spellings.
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

#: Printed words, with the contract's value of each.
GENDERS = {"LAKI-LAKI": "LAKI-LAKI", "PRIA": "LAKI-LAKI", "PEREMPUAN": "PEREMPUAN", "WANITA": "PEREMPUAN"}

NATIONALITIES = ("WNI", "WNA")

#: English words on the KTP of a foreigner, with the contract's value of each.
ENGLISH_GENDERS = {"MALE": "LAKI-LAKI", "FEMALE": "PEREMPUAN"}

ENGLISH_RELIGIONS = {
    "MUSLIM": "ISLAM",
    "MOSLEM": "ISLAM",
    "CHRISTIAN": "KRISTEN",
    "PROTESTANT": "KRISTEN",
    "CATHOLIC": "KATOLIK",
    "BUDDHIST": "BUDDHA",
    "BUDDHISM": "BUDDHA",
    "CONFUCIAN": "KHONGHUCU",
    "CONFUCIANISM": "KHONGHUCU",
    "HINDUISM": "HINDU",
    "OTHERS": "LAINNYA",
}

ENGLISH_MARITAL_STATUSES = {
    "SINGLE": "BELUM KAWIN",
    "UNMARRIED": "BELUM KAWIN",
    "NOT MARRIED": "BELUM KAWIN",
    "MARRIED": "KAWIN",
    "DIVORCED": "CERAI HIDUP",
    "WIDOWED": "CERAI MATI",
    "WIDOW": "CERAI MATI",
    "WIDOWER": "CERAI MATI",
}

LIFELONG = "SEUMUR HIDUP"


def nearest(text: str, words: Sequence[str]) -> Word | None:
    """Return the word that ``text`` matches; None if none is similar enough or two are equally similar.

    A text that continues behind the word (a neighbour read as one piece with it) matches too, if it starts
    with exactly that word.
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
    if (likeness >= _MIN_LIKENESS and lead > 0) or (
        likeness >= _MIN_LIKENESS_WITH_LEAD and lead >= _MIN_LEAD
    ):
        return Word(word, likeness)
    beginnings = [word for word, plain in known.items() if len(plain) > 4 and folded.startswith(plain)]
    return Word(max(beginnings, key=len), _MIN_LIKENESS) if beginnings else None


def correct_spelling(text: str, names: Sequence[str]) -> Word | None:
    """Return the name that ``text`` spells with few errors; None if there is none or two are equally similar.

    Unlike ``nearest``, a name does not match as the beginning of a longer text. A text with exactly the
    letters of a name keeps its own blanks and full stops, because lists and cards differ in them, unless it
    has fewer blanks than the name: those were lost by the engine.
    """
    folded, _ = fold(text)
    ranked = sorted(
        ((Levenshtein.normalized_similarity(folded, folded_word(name)), name) for name in names), reverse=True
    )
    if not ranked or ranked[0][0] < _MIN_NAME_LIKENESS:
        return None
    likeness, name = ranked[0]
    rivals = {folded_word(rival) for other, rival in ranked if other == likeness}
    if len(rivals) > 1:
        return None
    written = " ".join(text.upper().split())
    is_kept = _letters(written) == _letters(name) and written.count(" ") >= name.count(" ")
    return Word(written if is_kept else name, likeness)


def _is_spelling(one: str, other: str) -> bool:
    return Levenshtein.normalized_similarity(one, other) >= _MIN_SPELLING_LIKENESS


def _letters(text: str) -> str:
    return "".join(character for character in text if character.isalnum())
