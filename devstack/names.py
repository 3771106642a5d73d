"""Invented names in the forms that cards print: one word to five, titles, initials, apostrophes."""

import random

_MEN = (
    "ADITYA", "AGUS", "BAMBANG", "BUDI", "DIMAS", "EKO", "FAJAR", "GILANG", "HENDRA", "IRFAN", "JOKO",
    "KURNIA", "LUKMAN", "MA'RUF", "NUGRAHA", "RIZKY", "SLAMET", "SYAFI'I", "TEGUH", "WAHYU", "XAVERIUS",
    "YOHANES", "ZAINAL",
)  # fmt: skip

_WOMEN = (
    "ANISA", "BUNGA", "CITRA", "DEWI", "ENDANG", "FITRI", "INDAH", "JUM'ATI", "KARTIKA", "LESTARI", "MAYA",
    "NUR'AINI", "PUTRI", "QORI", "RATNA", "RO'FAH", "SITI", "SRI", "TRI", "WULAN", "YULIANA", "ZAHRA",
)  # fmt: skip

_SURNAMES = (
    "ALFARISI", "ANGGRAENI", "D'COSTA", "HARAHAP", "HIDAYAT", "KUSUMA", "LUMBANTOBING", "MAHENDRA",
    "NASUTION", "OEI", "PRATAMA", "PURNOMO", "RAHAYU", "SAPUTRA", "SETIAWAN", "SIMANJUNTAK", "SUSANTO",
    "UTAMI", "WIBOWO", "WIJAYA", "YULIANTO",
)  # fmt: skip

_MONONYMS_MEN = ("SUHARYANTO", "PARMINTO", "KASIMUN", "WAGIYO")
_MONONYMS_WOMEN = ("SUMARTINI", "PARTINEM", "KASIYEM", "WAGIRAH")

_TITLES_BEFORE_MEN = ("DRS. H.", "IR.", "H.", "MOH.", "R.", "M.", "ABD.", "I GST.")
_TITLES_BEFORE_WOMEN = ("DRA. HJ.", "DR.", "HJ.", "RR.", "ST.", "NY.")
_TITLES_AFTER = ("S.KOM", "S.E., M.M.", "S.H.", "S.PD", "A.MD", "ST, MT", "M.SI", "SE.AK")


def invent_name(rng: random.Random, *, female: bool) -> str:
    """Draw a name in capitals, at most 30 characters, short enough for one printed line."""
    given = rng.choice(_WOMEN if female else _MEN)
    surname = rng.choice(_SURNAMES)
    match rng.randrange(9):
        case 0:
            name = rng.choice(_MONONYMS_WOMEN if female else _MONONYMS_MEN)
        case 1:
            name = f"{rng.choice(_TITLES_BEFORE_WOMEN if female else _TITLES_BEFORE_MEN)} {given} {surname}"
        case 2:
            name = f"{given} {surname}, {rng.choice(_TITLES_AFTER)}"
        case 3:
            name = f"{'NI LUH' if female else 'I WAYAN'} {given} {rng.choice('ABDKMS')}. {surname}"
        case 4:
            middle = rng.choice([other for other in (_WOMEN if female else _MEN) if other != given])
            name = f"{given} {middle} {surname}"
        case 5:
            name = f"{given} {'BINTI' if female else 'BIN'} {rng.choice(_MEN)}"
        case _:
            name = f"{given} {surname}"
    return name
