"""The fit of lost blanks: what is printed between two letters that were read as adjacent, and the model."""

from bench.accuracy.blanks import Adjacent, adjacent_capitals, fit
from service.reading.ocr.lost_blanks import Gap
from service.reading.ocr.recognition import Character, LineText


def line(text: str) -> LineText:
    return LineText(tuple(Character(one, 0.9) for one in text), 0.99, 0.99)


def seen(printed: str, read: str) -> dict[str, bool]:
    """Return by the letters on both sides whether a blank was lost."""
    return {
        read[one.gap.offset - 1 : one.gap.offset + 1]: one.is_lost
        for one in adjacent_capitals(1, printed, line(read), line(read))
    }


def test_a_blank_is_lost_where_one_is_printed() -> None:
    assert seen("BUDI SANTOSO", ":BUDISANTOSO") == {
        **dict.fromkeys(("BU", "UD", "DI", "SA", "AN", "NT", "TO", "OS", "SO"), False),
        "IS": True,
    }


def test_a_line_may_hold_a_part_of_the_text() -> None:
    assert seen("JL. MELATI NO. 5 BLOK AB", "BLOKAB") == {
        # Behind two consonants a full stop may be missing, not a blank.
        **dict.fromkeys(("BL", "OK", "AB"), False),
        "KA": True,
    }


def test_lines_with_other_letters_and_places_of_marks_tell_nothing() -> None:
    assert seen("BUDI SANTOSO", "BUDISANTOSA") == {}
    assert "RA" not in seen("NUR'AINI PUTRI", "NURAINIPUTRI")


def test_the_model_tells_wide_gaps_from_narrow_ones() -> None:
    found = [
        Adjacent(seed, Gap(1, -4.0, width, 0.0, -4.0), is_lost)
        for seed in range(40)
        for width, is_lost in ((0.3, True), (0.2, seed % 2 == 0), (0.0, False))
    ]

    intercept, _, width, _ = fit(found, "suspicion")

    assert width > 0
    assert intercept + width * 0.3 > intercept + width * 0.0
