from datetime import date

import pytest

from service.documents import nik

MAN, WOMAN = "3174051708900001", "3174055708900001"


@pytest.mark.parametrize(
    ("read", "repairs"),
    [
        ("3174051708900001", 0),
        ("3174 0517 0890 0001", 0),
        ("3I740517O8900001", 2),
        ("31740517089O000l", 2),
        ("317405I708900001", 1),
        ("3174051708900Q0i", 2),
    ],
)
def test_letters_among_the_digits_are_repaired_and_counted(read: str, repairs: int) -> None:
    assert nik.read_nik(read) == (MAN, repairs)


def test_a_number_of_mostly_letters_is_left_out() -> None:
    assert nik.read_nik("3I74O517O89OOOO1") is None


@pytest.mark.parametrize(
    "read", ["317405170890000", "31740517089000011", "31740517089O00X1", "", "BUDI SANTOSO"]
)
def test_what_is_not_16_digits_is_left_out(read: str) -> None:
    assert nik.read_nik(read) is None


def test_a_womans_day_of_birth_has_40_added() -> None:
    assert nik.says_gender(WOMAN) == "PEREMPUAN"
    assert nik.says_gender(MAN) == "LAKI-LAKI"
    assert nik.says_born_on(WOMAN, date(1990, 8, 17))
    assert nik.says_born_on(MAN, date(1990, 8, 17))
    assert not nik.says_born_on(MAN, date(1990, 8, 18))


@pytest.mark.parametrize(
    ("number", "plausible"),
    [
        (MAN, True),
        (WOMAN, True),
        ("3174052902000001", True),
        ("9974051708900001", False),
        ("3100051708900001", False),
        ("3174001708900001", False),
        ("3174053208900001", False),
        ("3174051713900001", False),
        ("3174057208900001", False),
        ("3174051708900000", False),
    ],
)
def test_regions_dates_and_serials_must_be_possible(number: str, plausible: bool) -> None:
    assert nik.is_plausible(number) is plausible
