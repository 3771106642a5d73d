"""Which lines are read again at full size, and what is made of two readings."""

import pytest

from service.reading.ocr.recognition import Character, LineText
from service.reading.ocr.second_look import merge_readings, needs_second_look


def line(text: str, *, unsure: int | None = None, certainty: float = 0.99) -> LineText:
    """A line read with certainty, except that a blank may stand before ``unsure``."""
    characters = tuple(
        Character(one, 0.5 if offset == unsure else 0.999, 0.999) for offset, one in enumerate(text)
    )
    return LineText(characters, 0.99, certainty)


def test_two_readings_with_the_same_letters_are_merged_with_the_marks_of_both() -> None:
    read = merge_readings(line("NILUH DEWI S. SUSANTO,ST", certainty=0.8), line("NI LUH DEWI S SUSANTO, ST."))

    assert read.text == "NI LUH DEWI S. SUSANTO, ST."
    assert (read.confidence, read.min_certainty) == (0.99, 0.99)


def test_a_blank_that_one_reading_missed_is_as_doubtful_as_in_the_other() -> None:
    missed, seen = line("BUDISANTOSO", unsure=4), line("BUDI SANTOSO", certainty=0.95)

    read = merge_readings(missed, seen)

    assert read.text == "BUDI SANTOSO"
    assert read.blank_doubt < 0.01


def test_the_more_certain_of_different_readings_counts_but_less_if_it_is_the_first() -> None:
    sure, unsure = line("BUDI SANTOSO"), line("BUDI SANT0SO", certainty=0.8)

    second, first = merge_readings(sure, unsure), merge_readings(unsure, sure)

    assert second.text == first.text == "BUDI SANTOSO"
    assert second.looks_differ
    assert second.confidence == sure.confidence
    assert first.confidence < 0.9


def test_a_whole_number_goes_before_one_that_lacks_a_digit() -> None:
    read = merge_readings(line("3173044112900001", certainty=0.8), line("317304411290001"))

    assert read.text == "3173044112900001"
    assert read.looks_differ


@pytest.mark.parametrize(
    ("one", "other", "differ"),
    [
        (": JL. MELATI", "JL.MELATI", False),
        ("JL. MELATI", "JL MELATI", True),
        ("SUMARTINI", "SUMARTIN", True),
        ("BUDI SANTOSO", "BUDISANTOSO", True),
    ],
)
def test_it_is_told_whether_two_readings_differ(one: str, other: str, differ: bool) -> None:
    read = merge_readings(line(one), line(other))

    assert (read.looks, read.looks_differ) == (2, differ)


@pytest.mark.parametrize(
    ("read", "again"),
    [
        (line("BUDI SANTOSO", certainty=0.85), True),
        (line("BUDISANTOSO", unsure=4), True),
        (line("BELUM KAWIN", certainty=0.85), False),
        (line("Alamat", certainty=0.5), False),
        (line("BUDI SANTOSO"), False),
        (line(": 317304411290000"), True),
        (line(": 3173044112900001"), False),
        (line("NPWP : 09.254.294.3-407.000"), False),
        (line("NPWP : 09.254.294.3-407.00"), True),
        (line("JAKARTA, 17-08-1990"), False),
    ],
)
def test_values_are_read_again_if_a_letter_or_a_blank_is_uncertain_or_a_digit_is_missing(
    read: LineText, again: bool
) -> None:
    assert needs_second_look(read) == again
