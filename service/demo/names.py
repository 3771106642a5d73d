"""Invented names in the forms that cards print: one word to five, titles, initials, apostrophes."""

import random

_MEN = (
    "ADITYA", "AGUS", "BAMBANG", "BUDI", "DIMAS", "EKO", "FAJAR", "GILANG", "HENDRA", "IRFAN", "JOKO",
    "KURNIA", "LUKMAN", "MA'RUF", "NUGRAHA", "RIZKY", "SLAMET", "TEGUH", "WAHYU", "YOHANES", "ZAINAL",
)  # fmt: skip

_WOMEN = (
    "ANISA", "BUNGA", "CITRA", "DEWI", "ENDANG", "FITRI", "INDAH", "JUM'ATI", "KARTIKA", "LESTARI", "MAYA",
    "NUR'AINI", "PUTRI", "RATNA", "SITI", "SRI", "TRI", "WULAN", "YULIANA", "ZAHRA",
)  # fmt: skip

_SURNAMES = (
    "ALFARISI", "ANGGRAENI", "HARAHAP", "HIDAYAT", "KUSUMA", "LUMBANTOBING", "MAHENDRA", "NASUTION",
    "PRATAMA", "PURNOMO", "RAHAYU", "SAPUTRA", "SETIAWAN", "SIMANJUNTAK", "SUSANTO", "UTAMI", "WIBOWO",
    "WIJAYA", "YULIANTO",
)  # fmt: skip

_MONONYMS_MEN = ("SUHARYANTO", "PARMINTO", "KASIMUN", "WAGIYO")
_MONONYMS_WOMEN = ("SUMARTINI", "PARTINEM", "KASIYEM", "WAGIRAH")

_TITLES_BEFORE_MEN = ("DRS. H.", "IR.", "H.", "MOH.", "R.")
_TITLES_BEFORE_WOMEN = ("DRA. HJ.", "DR.", "HJ.", "RR.")
_TITLES_AFTER = ("S.KOM", "S.E., M.M.", "S.H.", "S.PD", "A.MD")


def invent_name(rng: random.Random, *, female: bool) -> str:
    """Draw a name in capitals, at most 30 characters, short enough for one printed line."""
    given = rng.choice(_WOMEN if female else _MEN)
    surname = rng.choice(_SURNAMES)
    match rng.randrange(8):
        case 0:
            return rng.choice(_MONONYMS_WOMEN if female else _MONONYMS_MEN)
        case 1:
            return f"{rng.choice(_TITLES_BEFORE_WOMEN if female else _TITLES_BEFORE_MEN)} {given} {surname}"
        case 2:
            return f"{given} {surname}, {rng.choice(_TITLES_AFTER)}"
        case 3:
            return f"{'NI LUH' if female else 'I WAYAN'} {given} {rng.choice('ABDKMS')}. {surname}"
        case 4:
            middle = rng.choice([name for name in (_WOMEN if female else _MEN) if name != given])
            return f"{given} {middle} {surname}"
        case _:
            return f"{given} {surname}"
