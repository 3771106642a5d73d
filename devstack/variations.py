"""What real cards print otherwise than plain ones: long names, abbreviations, English, older spellings."""

import random
from dataclasses import replace
from datetime import timedelta

from devstack.ktp import KtpDesign
from devstack.people import Person, printed_date
from devstack.printing import FACES, Family, load_font

_LONG_NAMES_MEN = (
    "MUHAMMAD RIZKY ADITYA PRATAMA NASUTION", "DRS. H. BAMBANG SETIAWAN HADI KUSUMA, M.SI",
    "ANDREAS YOHANES FRANSISKUS SIMANJUNTAK", "RADEN MAS SURYO ATMOJO KUSUMO WIBOWO",
    "ABDUL RAHMAN WAHID HASYIM ASY'ARI", "I GUSTI NGURAH AGUNG PUTRA WIJAYA",
)  # fmt: skip

_LONG_NAMES_WOMEN = (
    "SITI NUR'AINI RAHMAWATI PUTRI LESTARI", "DRA. HJ. ENDANG SRI WAHYUNINGSIH, M.PD",
    "MARIA MAGDALENA YULIANA SIMANJUNTAK", "NI PUTU AYU KARTIKA SARI DEWI UTAMI",
    "RADEN AJENG RATNA KUSUMANINGRUM WIBOWO", "CITRA DEWI ANGGRAENI KUSUMA WARDHANI",
)  # fmt: skip

_LONG_PLACES = (
    "KABUPATEN HULU SUNGAI TENGAH", "KEPULAUAN SIAU TAGULANDANG BIARO", "OGAN KOMERING ULU SELATAN",
    "TANJUNG JABUNG BARAT", "PENUKAL ABAB LEMATANG ILIR", "BOLAANG MONGONDOW UTARA",
)  # fmt: skip

_PLACES = (
    "BUMI AYU", "CILACAP", "DUMAI", "ENDE", "FAK FAK", "GARUT", "KAYU AGUNG", "KUALA KAPUAS", "LABUHAN BATU",
    "MUARA BUNGO", "PADANG PANJANG", "PASIR PENGARAIAN", "SELAT PANJANG", "SUNGAI PENUH", "TEBING TINGGI",
    "UJUNG PANDANG", "WAINGAPU", "LIMA PULUH KOTA",
)  # fmt: skip

#: Streets with the abbreviation close to the word, as many offices type them.
_STREETS = (
    "JL.MELATI", "JL.RAYA CIKARANG", "JLN.SUDIRMAN", "JL.KH.MAS MANSYUR", "GG.HAJI SAIMIN", "KP.RAWA BUNGA",
    "DSN.KRAJAN LOR", "DK.NGASEM WETAN", "DUSUN SUKA MAJU", "KP.PULO GEBANG", "JL.IR.H.JUANDA",
    "PERUM BUMI ASRI", "KOMP.DEPKES", "JALAN TANJUNG DUREN", "DS.SUMBER REJO", "LINGK.BARU TENGAH",
)  # fmt: skip

_HOUSES = ("NO.{0}", "NO {0}", "NO: {0}", "BLOK {1}{0}", "BLOK {1} NO.{0}", "NO.{0}{1}", "RT 0{2} RW 0{2}")

#: Name, sex, place of birth, country.
_FOREIGNERS = (
    ("HIROSHI TANAKA", "LAKI-LAKI", "OSAKA", "JAPAN"),
    ("PIETER VAN DER BERG", "LAKI-LAKI", "UTRECHT", "NETHERLANDS"),
    ("KIM MIN JUN", "LAKI-LAKI", "BUSAN", "SOUTH KOREA"),
    ("RAJESH KUMAR SHARMA", "LAKI-LAKI", "NEW DELHI", "INDIA"),
    ("JOHN PATRICK O'BRIEN", "LAKI-LAKI", "CORK", "IRELAND"),
    ("AHMED HASSAN ALI", "LAKI-LAKI", "CAIRO", "EGYPT"),
    ("EMMA LOUISE CARTER", "PEREMPUAN", "PERTH", "AUSTRALIA"),
    ("ANNA MARIA SCHMIDT", "PEREMPUAN", "HAMBURG", "GERMANY"),
    ("LI WEI", "PEREMPUAN", "GUANGZHOU", "CHINA"),
    ("MARIE CLAIRE DUPONT", "PEREMPUAN", "LYON", "FRANCE"),
    ("MARY JANE DELA CRUZ", "PEREMPUAN", "QUEZON CITY", "PHILIPPINES"),
    ("NURUL IZZAH BINTI OMAR", "PEREMPUAN", "KUALA LUMPUR", "MALAYSIA"),
)

_FOREIGN_RELIGIONS = ("ISLAM", "KRISTEN", "KRISTEN", "KATOLIK", "HINDU", "BUDDHA", "KHONGHUCU", "LAINNYA")
_FOREIGN_OCCUPATIONS = ("OTHERS", "EMPLOYEE", "HOUSEWIFE", "TEACHER", "RETIRED", "STUDENT", "BUSINESSMAN")

#: Cap heights: gap between two words, least, most and usual, and between two letters. In a soft picture the
#: gaps between words look about 0.12 narrower than they are printed.
_WORD_GAP, _LETTER_GAP = (0.36, 0.86, 0.57), 0.12

#: The ground of a foreigner's card, pale and deep: orange, or the residents' blue.
_FOREIGN_GROUNDS = (((250, 224, 196), (238, 200, 160)), ((206, 231, 242), (170, 208, 230)))


def vary_person(person: Person, rng: random.Random) -> Person:
    """Give a person some of what cards print besides the plain values; at most two additional rows."""
    long_name = rng.random() < 0.12
    if long_name:
        names = _LONG_NAMES_WOMEN if person.gender == "PEREMPUAN" else _LONG_NAMES_MEN
        person = replace(person, name=rng.choice(names))
    if rng.random() < 0.4:
        places = _LONG_PLACES if rng.random() < 0.3 and not long_name else _PLACES
        person = replace(person, birth_place=rng.choice(places))
    if rng.random() < 0.5:
        house = rng.choice(_HOUSES).format(rng.randint(1, 99), rng.choice("ABCDEFGH"), rng.randint(1, 9))
        person = replace(person, address=(f"{rng.choice(_STREETS)} {house}",))
    if rng.random() < 0.2:
        person = replace(person, blood_type=rng.choice(("A+", "B+", "AB+", "O+", "O-", "B-")))
    if rng.random() < 0.12:
        person = replace(person, marital_status=person.marital_status.title())
    if rng.random() < 0.06:
        person = replace(person, village=f"KELURAHAN {person.village}")
    return person


def make_foreign(person: Person, rng: random.Random) -> Person:
    """Turn a resident into a foreigner with a card that expires; the region and the NIK's digits stay."""
    same_sex = [one for one in _FOREIGNERS if one[1] == person.gender]
    name, _, place, country = rng.choice(same_sex)
    return replace(
        person,
        name=name,
        birth_place=place,
        nationality=country,
        religion=rng.choice(_FOREIGN_RELIGIONS),
        occupation=rng.choice(_FOREIGN_OCCUPATIONS),
        valid_until=printed_date(person.issued + timedelta(days=rng.randint(365, 5 * 365))),
    )


def vary_design(design: KtpDesign, rng: random.Random) -> KtpDesign:
    """Set words as close as on real cards, and vary the labels."""
    return replace(
        design,
        word_space=draw_word_space(rng, design.family),
        gender_label=rng.choice(("Jenis Kelamin", "Jenis kelamin")),
        blood_label=rng.choice((design.blood_label, "Gol. Darah :", "GOL. DARAH :", "Gol Darah:")),
        embossed=rng.random() < 0.5,
    )


def make_foreign_design(design: KtpDesign, rng: random.Random) -> KtpDesign:
    """Print English values, on the ground of a foreigner's card."""
    pale, deep = rng.choice(_FOREIGN_GROUNDS)
    return replace(design, english=True, pale=pale, deep=deep)


def draw_word_space(rng: random.Random, family: Family) -> float:
    """Draw a width of blanks, as a share of the face's own, that leaves gaps between words as on real cards.

    Those look 0.32, 0.47 and 0.63 cap heights wide (10th, 50th and 90th percentile).
    """
    font = load_font(FACES[family][0], 100)
    cap_height = -font.getbbox("H", anchor="ls")[1]
    # A gap is the blank and what letters leave beside themselves.
    blank = rng.triangular(*_WORD_GAP) - _LETTER_GAP
    return blank * cap_height / font.getlength(" ")
