"""Invents the texts of training lines: what cards print, in other names than those of the cards that judge.

Known words come from ``service/reading/ocr/words.txt``: names that no drawn card has, and the country's
places. Most of the rest is pronounceable nonsense, so that the network learns letters rather than names.
"""

import random
import string
from importlib.resources import files

from service.reading import ocr

_OCR = files(ocr)
_KNOWN = tuple(_OCR.joinpath("words.txt").read_text(encoding="ascii").split())
_CARD_WORDS = tuple(_OCR.joinpath("card_words.txt").read_text(encoding="ascii").split())

_ONSETS = (
    "",
    *"BCDFGHJKLMNPRSTVWYZ",
    "BR",
    "DR",
    "GR",
    "KH",
    "KR",
    "NG",
    "NY",
    "PR",
    "SY",
    "TR",
    "WH",
    "X",
    "Q",
)
_VOWELS = (*"AAAEEIIIOOUU", "AI", "AU", "IA", "II", "UA")
_CODAS = ("", "", "", *"HIKLMNRST", "NG", "LL", "NT")
_CONSONANTS = "BCDFGHJKLMNPQRSTVWXYZ"

#: Abbreviations of addresses, with what may follow them.
_PLACES = (
    *("JL", "JLN", "JALAN", "GG", "GANG", "KP", "KAMP", "DS", "DSN", "DUSUN", "DK", "LINGK", "LK", "PERUM"),
    *(
        "PERUMNAS",
        "KOMP",
        "KOMPLEK",
        "BLOK",
        "BLK",
        "NO",
        "RT",
        "RW",
        "KAV",
        "KM",
        "BTN",
        "GRAHA",
        "ASR",
        "APT",
    ),
)
_TITLES = (
    "H",
    "HJ",
    "DR",
    "DRS",
    "DRA",
    "IR",
    "PROF",
    "R",
    "RR",
    "RA",
    "TB",
    "TN",
    "NY",
    "ST",
    "M",
    "MOH",
    "ABD",
    "KH",
    "S",
)
_DEGREES = (
    "S.H",
    "S.E",
    "M.M",
    "S.PD",
    "S.T",
    "M.T",
    "S.KOM",
    "M.KOM",
    "S.SOS",
    "A.MD",
    "AMD",
    "SE",
    "SH",
    "MM",
    "M.H",
    "S.AG",
    "SP",
    "M.PD",
    "LC",
)
_LABELS = (
    *(
        "NIK",
        "Nama",
        "Tempat/Tgl Lahir",
        "Tempat/Tgl. Lahir",
        "Jenis Kelamin",
        "Jenis kelamin",
        "Gol. Darah",
        "Gol Darah",
    ),
    *(
        "Alamat",
        "RT/RW",
        "Kel/Desa",
        "Kecamatan",
        "Agama",
        "Status Perkawinan",
        "Pekerjaan",
        "Kewarganegaraan",
    ),
    *("Berlaku Hingga", "NPWP", "Terdaftar", "KPP PRATAMA", "KEMENTERIAN KEUANGAN REPUBLIK INDONESIA"),
    *("DIREKTORAT JENDERAL PAJAK", "kartu tanda penduduk", "Tanda Tangan"),
)


def invent_text(rng: random.Random) -> str:
    """Return the text of one line: 1 to 60 printable ASCII characters, no two blanks in a row."""
    makers = (
        *((_name,) * 26), *((_address,) * 30), *((_place_and_date,) * 10), *((_number,) * 9),
        *((_label,) * 8), *((_card_value,) * 5), *((_prose,) * 4), *((_noise,) * 5), *((_marks,) * 3),
    )  # fmt: skip
    text = rng.choice(makers)(rng)
    # Values are found together with the colon before them.
    if rng.random() < 0.35:
        text = f": {text}" if rng.random() < 0.85 else f":{text}"
    return " ".join(text.split())[:60].strip()


def _word(rng: random.Random) -> str:
    kind = rng.random()
    if kind < 0.45:
        return rng.choice(_KNOWN)
    if kind < 0.9:
        return "".join(
            rng.choice(_ONSETS) + rng.choice(_VOWELS) + rng.choice(_CODAS)
            for _ in range(rng.choice((1, 2, 2, 3, 3, 4)))
        )
    return "".join(rng.choices(string.ascii_uppercase, k=rng.randint(1, 7)))


def _words(rng: random.Random, least: int, most: int) -> str:
    return " ".join(_word(rng) for _ in range(rng.randint(least, most)))


def _name_word(rng: random.Random) -> str:
    word = _word(rng)
    if rng.random() < 0.16 and len(word) > 2:
        at = rng.randint(1, len(word) - 1)
        # The marks between two I, and before the last letter, are those that get lost.
        word = rng.choice(
            (f"{word[:at]}'{word[at:]}", f"{word[:at]}I'I{word[at:]}", f"{word}'I", f"{word[0]}'{word[1:]}")
        )
    return word


def _name(rng: random.Random) -> str:
    words = [_name_word(rng) for _ in range(rng.choice((1, 2, 2, 2, 3, 3, 4)))]
    if rng.random() < 0.22:
        words.insert(
            rng.randint(0, len(words)), f"{rng.choice(string.ascii_uppercase)}{rng.choice(('.', '. ', ' '))}"
        )
    if rng.random() < 0.08:
        words.insert(0, "I")
    name = ""
    for word in words:
        name += word if word.endswith((".", " ")) else f"{word} "
    name = name.strip()
    if rng.random() < 0.22:
        for _ in range(rng.choice((1, 1, 2))):
            title = (
                rng.choice(_TITLES)
                if rng.random() < 0.7
                else "".join(rng.choices(_CONSONANTS, k=rng.randint(1, 3)))
            )
            name = f"{title}{rng.choice(('.', '.', '. ', ' '))}{name}"
    if rng.random() < 0.2:
        for _ in range(rng.choice((1, 1, 2))):
            degree = (
                rng.choice(_DEGREES)
                if rng.random() < 0.7
                else ".".join(rng.choices(string.ascii_uppercase, k=2))
            )
            name = f"{name}{rng.choice((',', ', ', ', ', ' ', '.'))}{degree}{rng.choice(('', '', '.'))}"
    return name


def _house(rng: random.Random) -> str:
    number = f"{rng.randint(1, 399)}{rng.choice(('', '', '', *'ABCDEF'))}"
    mark = rng.choice((".", ".", ".", " ", ":", ". ", ": "))
    capitals = string.ascii_uppercase
    choices = (
        *(f"NO{mark}{number}", f"NO{mark}{number}", f"NO{mark}{number}", f"KAV{mark}{number}", f"NO{number}"),
        f"BLOK {rng.choice(capitals)}{number}",
        f"BLOK {rng.choice(capitals)} NO{mark}{number}",
        f"RT {rng.randint(1, 20):02} RW {rng.randint(1, 20):02}",
        f"RT.{rng.randint(1, 20):03}/{rng.randint(1, 20):03}",
        f"{rng.choice(capitals)}{rng.randint(1, 40)}",
        f"KM {rng.randint(1, 60)}",
        number,
    )
    return rng.choice(choices)


def _abbreviation(rng: random.Random) -> str:
    short = (
        rng.choice(_PLACES) if rng.random() < 0.75 else "".join(rng.choices(_CONSONANTS, k=rng.randint(1, 4)))
    )
    return f"{short}{rng.choice(('.', '.', '.', '. ', ' ', ' '))}"


def _address(rng: random.Random) -> str:
    street = _abbreviation(rng) if rng.random() < 0.8 else ""
    if rng.random() < 0.2:
        street += f"{rng.choice(_TITLES)}{rng.choice(('.', '.', '. ', ' '))}"
        street += f"{rng.choice(string.ascii_uppercase)}." if rng.random() < 0.3 else ""
    text = f"{street}{_words(rng, 1, 3)}"
    text += f" {_house(rng)}" if rng.random() < 0.75 else ""
    if rng.random() < 0.25:
        text += f" {_abbreviation(rng)}{_words(rng, 1, 2)} {_house(rng)}"
    return text


def _date(rng: random.Random) -> str:
    day = rng.randint(1, 31)
    mark = rng.choice("--- /")
    return f"{day:02}{mark}{rng.randint(1, 12):02}{mark}{rng.randint(1930, 2040)}"


def _place_and_date(rng: random.Random) -> str:
    if rng.random() < 0.35:
        return _words(rng, 1, 4)
    return f"{_words(rng, 1, 3)}{rng.choice((', ', ', ', ',', '. ', ' '))}{_date(rng)}"


def _digits(rng: random.Random, count: int) -> str:
    return "".join(rng.choices(string.digits, k=count))


def _number(rng: random.Random) -> str:
    three = _digits(rng, 3)
    choices = (
        *(_digits(rng, 16), _digits(rng, 16), _digits(rng, rng.randint(1, 18)), _date(rng)),
        f"{three}/{_digits(rng, 3)}",
        f"{_digits(rng, 2)}.{three}.{_digits(rng, 3)}.{_digits(rng, 1)}-{_digits(rng, 3)}.{_digits(rng, 3)}",
        f"{rng.choice(('A', 'B', 'AB', 'O'))}{rng.choice('+- ')}",
        "-",
        f"NPWP : {_digits(rng, 15)}",
        f"NPWP16 : {_digits(rng, 16)}",
    )
    return rng.choice(choices)


def _label(rng: random.Random) -> str:
    label = rng.choice(_LABELS)
    return (
        f"{label}{rng.choice(('', '', ' :', ':'))}"
        if rng.random() < 0.8
        else f"{label} : {_words(rng, 1, 2)}"
    )


def _card_value(rng: random.Random) -> str:
    words = " ".join(rng.choices(_CARD_WORDS, k=rng.choice((1, 1, 2, 2, 3))))
    return words.title() if rng.random() < 0.12 else words.replace(" ", rng.choice((" ", " ", "/", "-")))


def _prose(rng: random.Random) -> str:
    text = _words(rng, 1, 5)
    return text.title() if rng.random() < 0.6 else text.lower()


def _noise(rng: random.Random) -> str:
    letters = string.ascii_letters + string.digits + string.punctuation + " " * 14
    return "".join(rng.choices(letters, k=rng.randint(1, 20))).strip() or "."


def _marks(rng: random.Random) -> str:
    """Capitals with a mark or a blank after every few of them."""
    text = ""
    for _ in range(rng.randint(2, 8)):
        text += "".join(rng.choices(string.ascii_uppercase + "IIIILLJ", k=rng.randint(1, 4)))
        text += rng.choice((".", " ", ". ", "'", ",", ", ", "-", "/", ":"))
    return text.strip()
