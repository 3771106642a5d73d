"""Invented people, with everything that a KTP and an NPWP print about them."""

import calendar
import random
from dataclasses import dataclass
from datetime import date, timedelta

from devstack.names import invent_name
from devstack.regions import REGIONS, Region

_BIRTH_PLACES = (
    "AIR MOLEK", "BANDA ACEH", "BANDUNG", "BANYUWANGI", "BATU LICIN", "BUKITTINGGI", "CIREBON", "DENPASAR",
    "GUNUNG KIDUL", "GUNUNG SITOLI", "HULU SUNGAI TENGAH", "JAKARTA", "KLATEN", "KOTA BARU", "LUBUK LINGGAU",
    "MAGELANG", "MAKASSAR", "MEDAN", "OGAN KOMERING ILIR", "PADANG", "PALANGKA RAYA", "PEKALONGAN",
    "PURWOKERTO", "RANTAU PRAPAT", "SEMARANG", "SIDOARJO", "SURABAYA", "TANJUNG PINANG", "TASIKMALAYA",
    "TULUNG AGUNG", "YOGYAKARTA",
)  # fmt: skip

_STREETS = (
    "JL. MELATI", "JL. KENANGA RAYA", "JL. CEMPAKA PUTIH", "JL. GATOT KACA", "JL. HAYAM WURUK",
    "JL. KH. DEWANTARA", "JL. LETJEN SOEPENO", "JL. PAHLAWAN", "JL. TEUKU UMAR", "JL. A.H. NASUTION",
    "JL. DR. SOETOMO", "JL. RAYA BOGOR KM 23", "JL. 17 AGUSTUS", "GG. MAWAR", "GG. H. SAIMIN",
    "KP. RAWA INDAH", "DUSUN KRAJAN", "LINGK. PANDE",
)  # fmt: skip

_ESTATES = (
    "PERUM GRIYA ASRI",
    "KOMP. BUMI INDAH",
    "PURI KENCANA PERMAI",
    "TAMAN SARI REGENCY",
    "RUSUN BINA HARAPAN",
    "BTN PEPABRI",
)

#: Religions as printed, weighted so that most cards look ordinary and none is left out.
_RELIGIONS = ("ISLAM",) * 7 + ("KRISTEN", "KATOLIK", "KATHOLIK", "HINDU", "BUDDHA", "BUDHA", "KHONGHUCU")

_OCCUPATIONS = (
    "KARYAWAN SWASTA", "WIRASWASTA", "PEGAWAI NEGERI SIPIL", "PELAJAR/MAHASISWA", "BURUH HARIAN LEPAS",
    "PETANI/PEKEBUN", "BELUM/TIDAK BEKERJA", "MENGURUS RUMAH TANGGA", "GURU", "DOKTER", "PERDAGANGAN",
    "KARYAWAN BUMN", "PENSIUNAN", "NELAYAN/PERIKANAN", "TENTARA NASIONAL INDONESIA",
)  # fmt: skip

_MARITAL_STATUSES = ("BELUM KAWIN", "KAWIN", "KAWIN", "CERAI HIDUP", "CERAI MATI")

_BLOOD_TYPES = ("A", "B", "AB", "O", "-", "-")

#: What a register number begins with: the kind of taxpayer.
_TAXPAYER_KINDS = ("07", "08", "09", "24", "47", "58", "66", "73", "81", "95")

#: Share of people whose NIK is from elsewhere: it keeps the region that first gave it out.
_MOVED = 0.15


@dataclass(frozen=True, slots=True)
class Person:
    """An invented card holder."""

    nik: str
    name: str
    birth_place: str
    birth_date: date
    #: ``LAKI-LAKI`` or ``PEREMPUAN``.
    gender: str
    #: ``-`` where the card says that it is not known.
    blood_type: str
    #: One or two printed lines.
    address: tuple[str, ...]
    rt_rw: str
    village: str
    region: Region
    religion: str
    marital_status: str
    occupation: str
    nationality: str
    issued: date
    #: ``SEUMUR HIDUP``, or the day an older card ended, as printed.
    valid_until: str
    #: Fifteen digits, without the dots.
    npwp: str
    tax_office: str
    registered: date


def printed_date(day: date) -> str:
    """``DD-MM-YYYY``, the way both cards write a day."""
    return f"{day:%d-%m-%Y}"


def invent_person(rng: random.Random) -> Person:
    """Draw a person whose details agree with each other, as they do on a real card."""
    gender = rng.choice(("LAKI-LAKI", "PEREMPUAN"))
    region = rng.choice(REGIONS)
    origin = rng.choice(REGIONS) if rng.random() < _MOVED else region
    birth_date = _day_between(rng, date(1950, 1, 1), date(2003, 12, 31))
    issued = _day_between(
        rng, max(date(2011, 6, 1), _anniversary(birth_date, birth_date.year + 17)), date(2023, 6, 30)
    )
    return Person(
        nik=_nik(rng, origin, birth_date, female=gender == "PEREMPUAN"),
        name=invent_name(rng, female=gender == "PEREMPUAN"),
        birth_place=rng.choice((*_BIRTH_PLACES, region.short_city)),
        birth_date=birth_date,
        gender=gender,
        blood_type=rng.choice(_BLOOD_TYPES),
        address=_address(rng),
        rt_rw=f"{rng.randint(1, 18):03}/{rng.randint(1, 14):03}",
        village=rng.choice(region.villages),
        region=region,
        religion=rng.choice(_RELIGIONS),
        marital_status=rng.choice(_MARITAL_STATUSES),
        occupation=rng.choice(_OCCUPATIONS),
        nationality="WNI",
        issued=issued,
        valid_until=_valid_until(birth_date, issued),
        npwp=_npwp(rng),
        tax_office=f"KPP PRATAMA {region.short_city}",
        registered=_day_between(rng, date(2005, 1, 3), date(2023, 12, 29)),
    )


def luhn_check_digit(digits: str) -> str:
    """The digit that makes ``digits`` plus itself pass Luhn's test (ISO/IEC 7812-1, annex B)."""
    doubled = (int(digit) * (2 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(digits)))
    return str(-sum(value // 10 + value % 10 for value in doubled) % 10)


def _nik(rng: random.Random, region: Region, birth_date: date, *, female: bool) -> str:
    day = birth_date.day + (40 if female else 0)
    # Serials count the people registered for one birthday in one district: none gets near 9000.
    return f"{region.code}{day:02}{birth_date:%m%y}{rng.randint(9000, 9999)}"


def _npwp(rng: random.Random) -> str:
    """Kind and register number (8 digits), check digit, tax office, branch: 15 digits."""
    register = f"{rng.choice(_TAXPAYER_KINDS)}{rng.randint(0, 999_999):06}"
    return f"{register}{luhn_check_digit(register)}{rng.randint(1, 999):03}000"


def _address(rng: random.Random) -> tuple[str, ...]:
    street = f"{rng.choice(_STREETS)} {_house(rng)}"
    estate = f"{rng.choice(_ESTATES)} BLOK {rng.choice('ABCDEFGH')}"
    match rng.randrange(4):
        case 0:
            return (street, f"{estate}{rng.randint(1, 12)}")
        case 1:
            return (f"{estate} NO. {rng.randint(1, 40)}",)
        case _:
            return (street,)


def _house(rng: random.Random) -> str:
    number = rng.randint(1, 240)
    return rng.choice(
        (
            f"NO. {number}",
            f"NO. {number}",
            f"NO.{number}",
            f"NO. {number}{rng.choice('ABC')}",
            f"KAV. {number}",
        )
    )


def _valid_until(birth_date: date, issued: date) -> str:
    """Cards from before 2014 ended on the holder's fifth birthday after issue; later ones never do."""
    if issued.year < 2014:
        return printed_date(_anniversary(birth_date, issued.year + 5))
    return "SEUMUR HIDUP"


def _anniversary(day: date, year: int) -> date:
    return date(year, day.month, min(day.day, calendar.monthrange(year, day.month)[1]))


def _day_between(rng: random.Random, first: date, last: date) -> date:
    return first + timedelta(days=rng.randint(0, (last - first).days))
