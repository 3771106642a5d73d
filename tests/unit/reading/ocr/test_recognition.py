import numpy as np
import pytest

from service.reading.ocr.recognition import LineText, decode, line_tensor

CHARACTERS = ["", "a", "b", " "]


def decoded(*steps: tuple[int, float]) -> LineText:
    classes, certainty = zip(*steps, strict=True)
    return decode(np.array(classes), np.array(certainty, np.float32), CHARACTERS)


def test_a_run_of_one_class_is_one_character_and_a_blank_between_makes_it_two() -> None:
    read = decoded((0, 0.9), (1, 0.9), (1, 0.9), (0, 0.9), (1, 0.9), (3, 0.9), (2, 0.9), (2, 0.9))

    assert read.text == "aa b"


def test_the_confidence_is_the_mean_over_the_characters_only() -> None:
    read = decoded((0, 0.1), (1, 0.8), (1, 0.1), (0, 0.1), (2, 0.6))

    assert read.confidence == pytest.approx(0.7)


def test_a_line_of_blanks_has_no_text_and_no_confidence() -> None:
    assert decoded((0, 0.99), (0, 0.98)) == LineText((), 0.0, 0.0)


def test_the_least_certainty_is_that_of_the_worst_character_where_it_was_surest_and_blanks_do_not_count() -> (
    None
):
    read = decoded((1, 0.5), (1, 0.8), (3, 0.2), (2, 0.9))

    assert read.min_certainty == pytest.approx(0.8)


def test_a_joint_is_as_sure_as_the_least_sure_step_between_two_characters() -> None:
    read = decoded((0, 0.3), (1, 0.9), (0, 0.8), (0, 0.6), (2, 0.9), (1, 0.9))

    assert [one.joint for one in read.characters] == pytest.approx([0.3, 0.6, 1.0])


@pytest.mark.parametrize(("width", "wanted"), [(8, 16), (16, 16), (17, 24), (480, 480)])
def test_a_line_is_filled_up_to_whole_steps_with_what_the_network_takes_for_nothing(
    width: int, wanted: int
) -> None:
    line = np.full((48, width), 255, np.uint8)

    tensor = line_tensor(line)

    assert tensor.shape == (1, 1, 48, wanted)
    assert tensor[..., :width] == pytest.approx(1)
    assert np.abs(tensor[..., width:]).max(initial=0) < 0.01


def test_a_character_counts_its_steps() -> None:
    read = decoded((1, 0.9), (1, 0.9), (0, 0.9), (2, 0.9))

    assert [(one.text, one.steps) for one in read.characters] == [("a", 2), ("b", 1)]
