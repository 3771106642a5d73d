"""Blanks that the recogniser lost, from recognised lines."""

import pytest

from service.reading.ocr.lost_blanks import gaps, is_suspect, is_worth_measuring, restore_blanks
from service.reading.ocr.recognition import Character, LineText


def line(text: str, at: int = 0, *, joint: float = 0.98, gap: float = 0.0) -> LineText:
    """A line that may have lost a blank before the letter ``at``."""
    characters = tuple(
        Character(one, joint if offset == at else 1.0, gap=gap if offset == at else 0.0)
        for offset, one in enumerate(text)
    )
    return LineText(characters, 0.99, 0.99)


def test_a_blank_is_inserted_where_gap_spelling_and_second_look_speak_for_it() -> None:
    read = restore_blanks(line("IMAMWIBISONO", 4, joint=0.95, gap=0.2), line("IMAMWIBISONO", 4, joint=0.6))

    assert read.text == "IMAM WIBISONO"
    assert 0 < read.blank_doubt < 0.2
    assert read.confidence == 0.99


def test_several_blanks_of_a_line_are_inserted_at_their_own_places() -> None:
    def twice(joint: float) -> LineText:
        characters = tuple(
            Character(one, joint if offset in {4, 12} else 1.0, gap=0.2 if offset in {4, 12} else 0.0)
            for offset, one in enumerate("IMAMWIBISONOJATMIKO")
        )
        return LineText(characters, 0.99, 0.99)

    assert restore_blanks(twice(0.9), twice(0.5)).text == "IMAM WIBISONO JATMIKO"


def test_letters_of_one_word_stay_together() -> None:
    read = restore_blanks(line("RAHMADINI", 3, joint=0.98), line("RAHMADINI", 3, joint=0.999))

    assert read.text == "RAHMADINI"
    assert read.blank_doubt < 0.02


def test_where_little_speaks_for_a_blank_the_line_is_doubtful() -> None:
    read = restore_blanks(line("IMAMWIBISONO", 4, joint=0.99, gap=0.1), line("IMAMWIBISONO", 4, joint=0.995))

    assert read.blank_doubt > 0.1


def test_a_second_look_that_shows_other_letters_says_nothing() -> None:
    first = line("IMAMWIBISONO", 4, joint=0.5, gap=0.4)

    assert restore_blanks(first, line("IMANWIBISONO", 4, joint=0.5)) == restore_blanks(first)


def test_without_a_second_look_nothing_is_inserted() -> None:
    first = line("IMAMWIBISONO", 4, joint=0.5, gap=0.4)

    assert restore_blanks(first).text == "IMAMWIBISONO"
    assert restore_blanks(first).blank_doubt > 0.5


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("JLMELATI", 2),
        ("BLOK12", 4),
        ("Kawin", 3),
        ("NUR'AINI", 4),
        ("BUDI SANTOSO", 5),
        ("DEWI RAHMAWATI", 8),
    ],
)
def test_no_blank_is_looked_for_where_none_can_be_missing(text: str, at: int) -> None:
    assert gaps(line(text, at, joint=0.5)) == []


def test_only_lines_that_leave_room_for_a_blank_are_measured_and_looked_at_again() -> None:
    sure = line("IMAMWIBISONO", 4, joint=1.0, gap=0.4)
    doubtful = line("IMAMWIBISONO", 4, joint=0.99)

    assert not is_worth_measuring(sure)
    assert not is_suspect(sure)
    assert is_worth_measuring(doubtful)
    assert is_suspect(line("IMAMWIBISONO", 4, joint=0.99, gap=0.2))
    assert not is_suspect(line("RAHMADINI", 3, joint=0.999, gap=-0.05))
