import pytest

from service.reading.ocr.punctuation_recheck import agreed, doubts, is_unsure, settled, weighed
from service.reading.ocr.recognition import LineText


def line(
    text: str, *, unsure: int | None = None, long: int | None = None, joint: float = 0.5, least: float = 0.99
) -> LineText:
    """A line of which the network is sure, but for what stands before one letter; one may last long."""
    joints = tuple(joint if offset == unsure else 0.999 for offset in range(len(text)))
    steps = tuple(3 if offset == long else 1 for offset in range(len(text)))
    return LineText(text, 0.99, least, joints, steps)


def test_an_unsure_joint_between_capitals_is_a_doubt_and_one_in_a_label_is_none() -> None:
    assert doubts(line("MARUF", unsure=2)) == [2]
    assert doubts(line("Alamat", unsure=3)) == []
    assert doubts(line("MARUF")) == []


def test_two_i_are_a_doubt_however_sure_the_network_is() -> None:
    assert doubts(line("SYAFII")) == [5]


def test_an_i_that_lasts_long_is_a_doubt() -> None:
    assert doubts(line("SYAFI WIBOWO", long=4)) == [4]
    assert doubts(line("Wilayah", long=1)) == []


def test_a_look_that_parts_a_long_i_is_taken() -> None:
    read = settled(line("SYAFI WIBOWO", long=4), line("SYAFI'I WIBOWO"), can_clear=False)

    assert read.text == "SYAFI'I WIBOWO"
    assert doubts(read) == []


@pytest.mark.parametrize("seen", ["SYAFI WIBOWO", "SYAFII WIBOWO", "SYAFIL WIBOWO"])
def test_a_long_i_stays_in_doubt_when_no_look_parts_it(seen: str) -> None:
    read = settled(line("SYAFI WIBOWO", long=4), line(seen), can_clear=True)

    assert doubts(read) == [4]


def test_a_mark_that_another_look_shows_is_put_in() -> None:
    read = settled(line("SYAFII WIBOWO", unsure=5), line("SYAFI'I WIBOWO"), can_clear=True)

    assert read.text == "SYAFI'I WIBOWO"
    assert doubts(read) == []


def test_the_blank_behind_an_initials_stop_is_put_in_and_the_stop_kept() -> None:
    read = settled(line("SITI B.ANGGRAENI", unsure=7), line("SITI B. ANGGRAENI"), can_clear=True)

    assert read.text == "SITI B. ANGGRAENI"
    assert len(read.joints) == len(read.text)
    assert doubts(read) == []


def test_a_stop_before_small_letters_or_digits_is_no_doubt() -> None:
    assert doubts(line("NO.12", unsure=3)) == []
    assert doubts(line("Gol.Darah", unsure=4)) == []


def test_another_mark_in_the_same_place_leaves_the_doubt_open() -> None:
    read = settled(line("SITI B.ANGGRAENI", unsure=7), line("SITI B ANGGRAENI"), can_clear=True)

    assert read.text == "SITI B.ANGGRAENI"
    assert doubts(read) == [7]


def test_no_look_is_sure_enough_that_nothing_stands_between_two_i() -> None:
    assert doubts(settled(line("SYAFII WIBOWO", unsure=5), line("SYAFII WIBOWO"), can_clear=True)) == [5]


def test_two_looks_at_the_same_letters_give_the_marks_of_both() -> None:
    read = agreed(line("NILUH DEWI S. SUSANTO,ST", least=0.8), line("NI LUH DEWI S SUSANTO, ST."))

    assert read.text == "NI LUH DEWI S. SUSANTO, ST."
    assert (read.confidence, read.least, len(read.joints)) == (0.99, 0.99, len(read.text))


def test_looks_at_other_letters_give_the_surer_one_in_doubt() -> None:
    read = agreed(line("BUDI SANTOSO"), line("BUDI SANT0SO", least=0.8))

    assert read.text == "BUDI SANTOSO"
    assert read.confidence < 0.9


def test_a_look_that_is_sure_of_no_mark_settles_the_doubt() -> None:
    read = settled(line("BUDI SANTOSO", unsure=7), line("BUDI SANTOSO"), can_clear=True)

    assert read.text == "BUDI SANTOSO"
    assert doubts(read) == []


def test_a_look_that_only_shows_marks_settles_nothing_when_it_shows_none() -> None:
    read = settled(line("BUDI SANTOSO", unsure=7), line("BUDI SANTOSO"), can_clear=False)

    assert doubts(read) == [7]


@pytest.mark.parametrize("again", ["SYAFLI WIBOWO", "SYAFI'I"])
def test_a_look_that_reads_other_letters_says_nothing(again: str) -> None:
    doubted = line("SYAFII WIBOWO", unsure=5)

    assert settled(doubted, line(again), can_clear=True) == doubted


def test_an_open_doubt_costs_the_line_the_confidence_of_approval() -> None:
    sure, doubted = line("BUDI"), line("SYAFII", unsure=5)

    weighed_lines = weighed([sure, doubted])

    assert weighed_lines[0] == sure
    assert weighed_lines[1].text == doubted.text
    assert weighed_lines[1].confidence < 0.9


def test_a_single_uncertain_character_puts_the_line_in_doubt() -> None:
    (read,) = weighed([line("LESTARI MS", least=0.7)])

    assert read.confidence < 0.9


@pytest.mark.parametrize(
    ("read", "is_to_be_read_in_full"),
    [
        (line("BUDI SANTOSO", least=0.96), True),
        (line("Alamat", least=0.5), False),
        (line("JL MELATI NO. 3"), True),
        (line("JL. MELATI NO. 3"), False),
        (line("BUDI SANTOSO"), False),
    ],
)
def test_values_are_read_in_full_where_a_letter_is_unsure_or_a_stop_may_be_lost(
    read: LineText, is_to_be_read_in_full: bool
) -> None:
    assert is_unsure(read) == is_to_be_read_in_full
