import pytest

from service.reading.documents.number_repair import Plausibility, RepairedNumber, repair_number


def evenly(digits: str) -> Plausibility:
    return (0,)


def sums_to_nine(digits: str) -> Plausibility:
    return (sum(map(int, digits)) == 9,)


def test_digits_are_taken_as_they_are() -> None:
    assert repair_number("12 34", (4,), evenly) == RepairedNumber("1234", 0, is_ambiguous=False)


def test_a_letter_that_stands_for_one_digit_is_repaired() -> None:
    assert repair_number("I2O4", (4,), evenly) == RepairedNumber("1204", 2, is_ambiguous=False)


@pytest.mark.parametrize(("text", "digits"), [("12S1", "1251"), ("13S", "135"), ("0S1", "081")])
def test_of_two_readings_the_one_with_more_weight_is_taken(text: str, digits: str) -> None:
    reading = repair_number(text, (3, 4), sums_to_nine)

    assert reading == RepairedNumber(digits, 1, is_ambiguous=False)


def test_of_two_equal_candidates_the_likelier_digit_is_used_and_marked_ambiguous() -> None:
    reading = repair_number("12S4", (4,), evenly)

    assert reading == RepairedNumber("1254", 1, is_ambiguous=True)
    assert reading.confidence(1.0) < 0.5


def test_every_repair_leaves_less_confidence() -> None:
    readings = [repair_number(text, (4,), evenly) for text in ("1204", "I204", "I2O4", "I2Oq")]

    confidences = [reading.confidence(0.99) for reading in readings if reading]

    assert confidences == sorted(confidences, reverse=True)
    assert len({*confidences}) == 4


@pytest.mark.parametrize("text", ["", "123", "12345", "12X4", "ABCD?", "OIlSB"])
def test_what_cannot_be_the_number_is_left_out(text: str) -> None:
    assert repair_number(text, (4, 5) if text == "OIlSB" else (4,), evenly) is None
