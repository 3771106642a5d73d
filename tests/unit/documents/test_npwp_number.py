import pytest

from service.documents import npwp_number


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
