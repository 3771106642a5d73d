"""Values of which a card can hold only a few, and the misread text that still means one of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rapidfuzz.distance import Levenshtein

from service.documents.characters import fold

#: How alike a text must be to a known word, 0 to 1: one wrong letter in five.
_LIKENESS = 0.8

#: A text less alike still means a word when every other word is further off by the lead: LAK-LAKG is no
#: PEREMPUAN.
_CLEAR_LIKENESS, _CLEAR_LEAD = 0.6, 0.35


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

#: Provinces by the two digits that a NIK begins with (Kemendagri's region codes).
PROVINCES: Mapping[str, str] = {
    "11": "ACEH",
    "12": "SUMATERA UTARA",
    "13": "SUMATERA BARAT",
    "14": "RIAU",
    "15": "JAMBI",
    "16": "SUMATERA SELATAN",
    "17": "BENGKULU",
    "18": "LAMPUNG",
    "19": "KEPULAUAN BANGKA BELITUNG",
    "21": "KEPULAUAN RIAU",
    "31": "DKI JAKARTA",
    "32": "JAWA BARAT",
    "33": "JAWA TENGAH",
    "34": "DAERAH ISTIMEWA YOGYAKARTA",
    "35": "JAWA TIMUR",
    "36": "BANTEN",
    "51": "BALI",
    "52": "NUSA TENGGARA BARAT",
    "53": "NUSA TENGGARA TIMUR",
    "61": "KALIMANTAN BARAT",
    "62": "KALIMANTAN TENGAH",
    "63": "KALIMANTAN SELATAN",
    "64": "KALIMANTAN TIMUR",
    "65": "KALIMANTAN UTARA",
    "71": "SULAWESI UTARA",
    "72": "SULAWESI TENGAH",
    "73": "SULAWESI SELATAN",
    "74": "SULAWESI TENGGARA",
    "75": "GORONTALO",
    "76": "SULAWESI BARAT",
    "81": "MALUKU",
    "82": "MALUKU UTARA",
    "91": "PAPUA",
    "92": "PAPUA BARAT",
    "93": "PAPUA SELATAN",
    "94": "PAPUA TENGAH",
    "95": "PAPUA PEGUNUNGAN",
    "96": "PAPUA BARAT DAYA",
}

#: As printed on cards; some provinces have more than one form.
PROVINCE_NAMES = (
    *PROVINCES.values(),
    "DI YOGYAKARTA",
    "D.I. YOGYAKARTA",
    "DAERAH KHUSUS JAKARTA",
    "NANGGROE ACEH DARUSSALAM",
)


def nearest(text: str, words: Sequence[str]) -> Word | None:
    """The word that ``text`` means, or None when no word is near enough or two are equally near.

    A text that goes on behind the word (a neighbour that was read in one piece with it) still means it,
    when it has the word's beginning without a mistake.
    """
    folded, _ = fold(text)
    if not folded:
        return None
    known = {word: fold(word)[0] for word in words}
    ranked = sorted(
        ((Levenshtein.normalized_similarity(folded, plain), word) for word, plain in known.items()),
        reverse=True,
    )
    likeness, word = ranked[0]
    lead = likeness - (ranked[1][0] if len(ranked) > 1 else 0.0)
    if (likeness >= _LIKENESS and lead > 0) or (likeness >= _CLEAR_LIKENESS and lead >= _CLEAR_LEAD):
        return Word(word, likeness)
    beginnings = [word for word, plain in known.items() if len(plain) > 4 and folded.startswith(plain)]
    return Word(max(beginnings, key=len), _LIKENESS) if beginnings else None
