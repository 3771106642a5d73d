import pytest

from service.ocr.marks import doubts, settled, weighed
from service.ocr.recognition import LineText


def line(text: str, *, unsure: int | None = None, joint: float = 0.5) -> LineText:
    """A line of which the network is sure, but for what stands before one letter."""
    joints = tuple(joint if offset == unsure else 0.999 for offset in range(len(text)))
    return LineText(text, 0.99, 0.99, joints)


def test_an_unsure_joint_between_capitals_is_a_doubt_and_one_in_a_label_is_none() -> None:
    assert doubts(line("SYAFII", unsure=5)) == [5]
    assert doubts(line("Alamat", unsure=3)) == []
    assert doubts(line("SYAFII")) == []


def test_a_mark_that_another_look_shows_is_put_in() -> None:
    read = settled(line("SYAFII WIBOWO", unsure=5), line("SYAFI'I WIBOWO"))

    assert read.text == "SYAFI'I WIBOWO"
    assert doubts(read) == []


def test_a_look_that_is_sure_of_no_mark_settles_the_doubt() -> None:
    read = settled(line("BUDI SANTOSO", unsure=7), line("BUDI SANTOSO"))

    assert read.text == "BUDI SANTOSO"
    assert doubts(read) == []


@pytest.mark.parametrize("again", ["SYAFLI WIBOWO", "SYAFI'I"])
def test_a_look_that_reads_other_letters_says_nothing(again: str) -> None:
    doubted = line("SYAFII WIBOWO", unsure=5)

    assert settled(doubted, line(again)) == doubted


def test_an_open_doubt_costs_the_line_the_confidence_of_approval() -> None:
    sure, doubted = line("BUDI"), line("SYAFII", unsure=5)

    weighed_lines = weighed([sure, doubted])

    assert weighed_lines[0] == sure
    assert weighed_lines[1].text == doubted.text
    assert weighed_lines[1].confidence < 0.9
