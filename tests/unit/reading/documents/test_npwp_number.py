import pytest

from service.reading.documents import npwp_number


@pytest.mark.parametrize(
    ("read", "number"),
    [
        # The check digit tells which digit a letter stands for.
        ("09.2S4.294.3-407.000", "09.254.294.3-407.000"),
        ("09.254.294.3-407.O00", "09.254.294.3-407.000"),
        ("O0925A2943407000", "0092542943407000"),
        ("09254Z943407000", "09.254.294.3-407.000"),
        # In a NIK the date does.
        ("317405B708900001", "3174056708900001"),
    ],
)
def test_a_letter_means_the_digit_that_makes_a_number(read: str, number: str) -> None:
    reading = npwp_number.read_npwp_number(read)

    assert reading is not None
    assert not reading.is_ambiguous
    assert reading.digits == number
    assert reading.confidence(1.0) < 1.0


def test_a_letter_that_no_check_digit_covers_leaves_no_confidence() -> None:
    reading = npwp_number.read_npwp_number("09.254.294.3-40S.000")

    assert reading is not None
    assert reading.is_ambiguous
    assert reading.confidence(1.0) < 0.5


@pytest.mark.parametrize(
    ("number", "well_formed"),
    [
        ("09.254.294.3-407.000", True),
        ("0092542943407000", True),
        ("092542943407000", False),
        ("09.254.294.3-407.00", False),
        ("09-254-294-3-407-000", False),
        ("", False),
    ],
)
def test_well_formed_is_the_old_print_or_16_digits(number: str, well_formed: bool) -> None:
    assert npwp_number.is_well_formed(number) is well_formed


@pytest.mark.parametrize(
    ("number", "plausible"),
    [
        ("09.254.294.3-407.000", True),
        ("09.254.294.4-407.000", False),
        ("09.254.249.3-407.000", False),
        ("0092542943407000", True),
        ("0092542944407000", False),
        ("3174051708900001", True),
        ("3174053208900001", False),
    ],
)
def test_one_wrong_or_two_swapped_digits_show(number: str, plausible: bool) -> None:
    assert npwp_number.is_plausible(number) is plausible
