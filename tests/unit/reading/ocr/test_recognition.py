import numpy as np
import pytest

from service.reading.ocr.recognition import LineText, decode, line_tensor

CHARACTERS = ["", "a", "b", " ", "A", "B"]


def decoded(*steps: tuple[int, float], between: list[float] | None = None) -> LineText:
    classes, certainty = zip(*steps, strict=True)
    marks = np.array(between or [0.0] * len(steps), np.float32)
    return decode(np.array(classes), np.array(certainty, np.float32), marks, CHARACTERS)


def test_a_run_of_one_class_is_one_character_and_a_blank_between_makes_it_two() -> None:
    read = decoded((0, 0.9), (1, 0.9), (1, 0.9), (0, 0.9), (1, 0.9), (3, 0.9), (2, 0.9), (2, 0.9))

    assert read.text == "aa b"


def test_the_confidence_is_the_mean_over_the_characters_only() -> None:
    read = decoded((0, 0.1), (1, 0.1), (1, 0.8), (0, 0.1), (2, 0.6))

    assert read.confidence == pytest.approx(0.7)


def test_a_line_of_blanks_has_no_text_and_no_confidence() -> None:
    assert decoded((0, 0.99), (0, 0.98)) == LineText((), 0.0, 0.0)


def test_the_least_certainty_is_that_of_the_worst_character_where_it_was_surest_and_blanks_do_not_count() -> (
    None
):
    read = decoded((1, 0.5), (1, 0.8), (3, 0.2), (2, 0.9))

    assert read.min_certainty == pytest.approx(0.8)


def test_a_joint_is_as_sure_as_the_step_of_both_letters_and_between_that_most_probably_shows_a_mark() -> None:
    read = decoded(
        *((0, 0.3), (1, 0.9), (1, 0.9), (0, 0.8), (2, 0.9), (1, 0.9)), between=[0.5, 0.0, 0.4, 0.1, 0.2, 0.0]
    )

    assert [one.joint for one in read.characters] == pytest.approx([0.5, 0.6, 0.8])


def test_a_mark_that_was_read_is_no_doubt_about_the_joint_behind_it() -> None:
    read = decoded((1, 0.9), (3, 0.9), (2, 0.9), between=[0.0, 0.95, 0.0])

    assert [one.joint for one in read.characters] == pytest.approx([1.0, 1.0, 1.0])


@pytest.mark.parametrize(("width", "wanted"), [(8, 16), (16, 16), (17, 20), (480, 480)])
def test_a_line_is_filled_up_to_whole_steps_with_what_the_network_takes_for_nothing(
    width: int, wanted: int
) -> None:
    line = np.full((48, width), 255, np.uint8)

    tensor = line_tensor(line)

    assert tensor.shape == (1, 1, 48, wanted)
    assert tensor[..., :width] == pytest.approx(1)
    assert np.abs(tensor[..., width:]).max(initial=0) < 0.01


def test_a_blank_may_be_missed_between_capitals_only() -> None:
    marks = [0.0, 0.4, 0.0]

    assert decoded((1, 0.9), (0, 0.9), (2, 0.9), between=marks).blank_doubt == 0.0
    assert decoded((4, 0.9), (0, 0.9), (5, 0.9), between=marks).blank_doubt == pytest.approx(0.4)


def test_a_blank_that_was_read_is_as_doubtful_as_it_was_uncertain() -> None:
    assert decoded((4, 0.9), (3, 0.7), (5, 0.9)).blank_doubt == pytest.approx(0.3)


def test_what_stands_before_the_colon_of_a_value_is_no_doubt_about_it() -> None:
    alphabet = ["", "r", ":", "B", "U"]

    def certainty(*steps: tuple[int, float]) -> float:
        classes, sure = (
            np.array([index for index, _ in steps]),
            np.array([one for _, one in steps], np.float32),
        )
        return decode(classes, sure, np.zeros(len(steps), np.float32), alphabet).min_certainty

    assert certainty((1, 0.5), (2, 0.6), (3, 0.99), (4, 0.98)) == pytest.approx(0.98)
    assert certainty((3, 0.5), (4, 0.98)) == pytest.approx(0.5)
    assert certainty((1, 0.5), (2, 0.6)) == pytest.approx(0.5)
