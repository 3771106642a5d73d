from datetime import date

import pytest

from service.reading.documents import nik
from service.reading.documents.nik import PrintedFacts

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
    reading = nik.read_nik(read)

    assert reading is not None
    assert (reading.digits, reading.repairs, reading.is_ambiguous) == (MAN, repairs, False)


@pytest.mark.parametrize(
    ("read", "printed", "number"),
    [
        # The year of birth: S is 5 or 8.
        ("3174051708S50001", PrintedFacts(birth_date=date(1985, 8, 17)), "3174051708850001"),
        ("3174051708S50001", PrintedFacts(birth_date=date(1955, 8, 17)), "3174051708550001"),
        # The day: of B's digits only one makes a date; Z is 2 for men, and 7 for a woman born on a 31st.
        ("317405B708900001", PrintedFacts(), "3174056708900001"),
        (
            "317405Z108900001",
            PrintedFacts(gender="PEREMPUAN", birth_date=date(1990, 8, 31)),
            "3174057108900001",
        ),
        (
            "317405Z108900001",
            PrintedFacts(gender="LAKI-LAKI", birth_date=date(1990, 8, 21)),
            "3174052108900001",
        ),
        # The region: there is no regency 3178, and 3575 and 3578 are told apart by the printed city.
        ("317S051708900001", PrintedFacts(), "3175051708900001"),
        ("357S051708900001", PrintedFacts(province="JAWA TIMUR", city="KOTA SURABAYA"), "3578051708900001"),
        ("357S051708900001", PrintedFacts(province="JAWA TIMUR", city="KOTA PASURUAN"), "3575051708900001"),
        # A digit that was misread elsewhere in the date does not hide what the letter stands for.
        ("3174051908S50001", PrintedFacts(birth_date=date(1985, 8, 17)), "3174051908850001"),
    ],
)
def test_a_letter_becomes_the_digit_that_agrees_with_the_card(
    read: str, printed: PrintedFacts, number: str
) -> None:
    reading = nik.read_nik(read, printed)

    assert reading is not None
    assert (reading.digits, reading.is_ambiguous) == (number, False)


@pytest.mark.parametrize("read", ["31740517089000S1", "3174B51708900001", "357S051708900001"])
def test_a_letter_of_which_the_card_says_nothing_leaves_no_confidence(read: str) -> None:
    reading = nik.read_nik(read, PrintedFacts(birth_date=date(1990, 8, 17), gender="LAKI-LAKI"))

    assert reading is not None
    assert reading.is_ambiguous
    assert reading.confidence(1.0) < 0.5


def test_digits_stay_although_the_card_contradicts_them() -> None:
    reading = nik.read_nik(MAN, PrintedFacts(birth_date=date(1980, 8, 17), gender="PEREMPUAN"))

    assert reading is not None
    assert (reading.digits, reading.repairs) == (MAN, 0)


def test_a_number_of_mostly_letters_is_left_out() -> None:
    assert nik.read_nik("3I74O517O89OOOO1") is None


@pytest.mark.parametrize(
    "read", ["317405170890000", "31740517089000011", "31740517089O00X1", "", "BUDI SANTOSO"]
)
def test_what_is_not_16_digits_is_left_out(read: str) -> None:
    assert nik.read_nik(read) is None


def test_a_womans_day_of_birth_has_40_added() -> None:
    assert nik.gender_of(WOMAN) == "PEREMPUAN"
    assert nik.gender_of(MAN) == "LAKI-LAKI"
    assert nik.matches_birth_date(WOMAN, date(1990, 8, 17))
    assert nik.matches_birth_date(MAN, date(1990, 8, 17))
    assert not nik.matches_birth_date(MAN, date(1990, 8, 18))


@pytest.mark.parametrize(
    ("number", "plausible"),
    [
        (MAN, True),
        (WOMAN, True),
        ("3174052902000001", True),
        ("9974051708900001", True),
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


@pytest.mark.parametrize(
    ("number", "known"), [(MAN, True), ("9101051708900001", True), ("9974051708900001", False)]
)
def test_regions_of_today_and_of_earlier_years_are_known(number: str, known: bool) -> None:
    assert nik.has_known_region(number) is known
