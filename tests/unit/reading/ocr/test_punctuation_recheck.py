import pytest

from service.reading.ocr.punctuation_recheck import (
    apply_recheck,
    discount_doubtful,
    doubtful_offsets,
    merge_readings,
    needs_full_size,
)
from service.reading.ocr.recognition import Character, LineText


def line(
    text: str,
    *,
    unsure: int | None = None,
    long: int | None = None,
    joint: float = 0.5,
    certainty: float = 0.99,
) -> LineText:
    """A line read with certainty, except for the joint before ``unsure``; ``long`` lasts many steps."""
    characters = tuple(
        Character(one, joint if offset == unsure else 0.999, 3 if offset == long else 1)
        for offset, one in enumerate(text)
    )
    return LineText(characters, 0.99, certainty)


def test_an_uncertain_joint_is_doubtful_between_capitals_but_not_in_a_label() -> None:
    assert doubtful_offsets(line("MARUF", unsure=2)) == [2]
    assert doubtful_offsets(line("Alamat", unsure=3)) == []
    assert doubtful_offsets(line("MARUF")) == []


def test_a_double_i_is_always_doubtful() -> None:
    assert doubtful_offsets(line("SYAFII")) == [5]


def test_an_i_of_many_steps_is_doubtful() -> None:
    assert doubtful_offsets(line("SYAFI WIBOWO", long=4)) == [4]
    assert doubtful_offsets(line("Wilayah", long=1)) == []


def test_a_recheck_that_splits_a_long_i_is_taken() -> None:
    read = apply_recheck(line("SYAFI WIBOWO", long=4), line("SYAFI'I WIBOWO"), can_clear=False)

    assert read.text == "SYAFI'I WIBOWO"
    assert doubtful_offsets(read) == []


@pytest.mark.parametrize("seen", ["SYAFI WIBOWO", "SYAFII WIBOWO", "SYAFIL WIBOWO"])
def test_a_long_i_stays_doubtful_when_no_recheck_splits_it(seen: str) -> None:
    read = apply_recheck(line("SYAFI WIBOWO", long=4), line(seen), can_clear=True)

    assert doubtful_offsets(read) == [4]


def test_a_mark_that_a_recheck_shows_is_inserted() -> None:
    read = apply_recheck(line("SYAFII WIBOWO", unsure=5), line("SYAFI'I WIBOWO"), can_clear=True)

    assert read.text == "SYAFI'I WIBOWO"
    assert doubtful_offsets(read) == []


def test_a_blank_behind_an_initial_is_inserted_and_the_full_stop_kept() -> None:
    read = apply_recheck(line("SITI B.ANGGRAENI", unsure=7), line("SITI B. ANGGRAENI"), can_clear=True)

    assert read.text == "SITI B. ANGGRAENI"
    assert doubtful_offsets(read) == []


def test_a_full_stop_before_small_letters_or_digits_is_not_doubtful() -> None:
    assert doubtful_offsets(line("NO.12", unsure=3)) == []
    assert doubtful_offsets(line("Gol.Darah", unsure=4)) == []


def test_a_different_mark_in_the_same_place_leaves_the_line_doubtful() -> None:
    read = apply_recheck(line("SITI B.ANGGRAENI", unsure=7), line("SITI B ANGGRAENI"), can_clear=True)

    assert read.text == "SITI B.ANGGRAENI"
    assert doubtful_offsets(read) == [7]


def test_no_recheck_clears_a_double_i() -> None:
    assert doubtful_offsets(
        apply_recheck(line("SYAFII WIBOWO", unsure=5), line("SYAFII WIBOWO"), can_clear=True)
    ) == [5]


def test_two_readings_with_the_same_letters_are_merged_with_the_marks_of_both() -> None:
    read = merge_readings(line("NILUH DEWI S. SUSANTO,ST", certainty=0.8), line("NI LUH DEWI S SUSANTO, ST."))

    assert read.text == "NI LUH DEWI S. SUSANTO, ST."
    assert (read.confidence, read.min_certainty) == (0.99, 0.99)


def test_readings_with_different_letters_give_the_more_certain_one_with_less_confidence() -> None:
    read = merge_readings(line("BUDI SANTOSO"), line("BUDI SANT0SO", certainty=0.8))

    assert read.text == "BUDI SANTOSO"
    assert read.confidence < 0.9


def test_a_recheck_that_is_certain_of_no_mark_clears_the_doubt() -> None:
    read = apply_recheck(line("BUDI SANTOSO", unsure=7), line("BUDI SANTOSO"), can_clear=True)

    assert read.text == "BUDI SANTOSO"
    assert doubtful_offsets(read) == []


def test_a_recheck_that_cannot_clear_leaves_the_doubt_when_it_shows_no_mark() -> None:
    read = apply_recheck(line("BUDI SANTOSO", unsure=7), line("BUDI SANTOSO"), can_clear=False)

    assert doubtful_offsets(read) == [7]


@pytest.mark.parametrize("again", ["SYAFLI WIBOWO", "SYAFI'I"])
def test_a_recheck_with_different_letters_is_ignored(again: str) -> None:
    doubted = line("SYAFII WIBOWO", unsure=5)

    assert apply_recheck(doubted, line(again), can_clear=True) == doubted


def test_a_doubtful_line_loses_the_confidence_of_approval() -> None:
    sure, doubted = line("BUDI"), line("SYAFII", unsure=5)

    discounted = discount_doubtful([sure, doubted])

    assert discounted[0] == sure
    assert discounted[1].text == doubted.text
    assert discounted[1].confidence < 0.9


def test_a_single_uncertain_character_lowers_the_confidence_of_the_line() -> None:
    (read,) = discount_doubtful([line("LESTARI MS", certainty=0.7)])

    assert read.confidence < 0.9


@pytest.mark.parametrize(
    ("read", "full_size"),
    [
        (line("BUDI SANTOSO", certainty=0.96), True),
        (line("BELUM KAWIN", certainty=0.96), False),
        (line("Alamat", certainty=0.5), False),
        (line("JL MELATI NO. 3"), True),
        (line("JL. MELATI NO. 3"), False),
        (line("BUDI SANTOSO"), False),
    ],
)
def test_values_are_read_at_full_size_if_a_letter_is_uncertain_or_a_full_stop_may_be_lost(
    read: LineText, full_size: bool
) -> None:
    assert needs_full_size(read) == full_size
