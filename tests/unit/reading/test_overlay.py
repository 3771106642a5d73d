"""What was read, drawn on the page it was read from."""

import numpy as np

from service.reading.documents.fields import Field
from service.reading.ocr.engine import Box, ColourImage, Image, TextLine
from service.reading.overlay import draw_overlay

PAGE = np.full((200, 600), 128, np.uint8)


def box(left: float, top: float, right: float, bottom: float) -> Box:
    return ((left, top), (right, top), (right, bottom), (left, bottom))


def is_changed(before: Image, after: ColourImage) -> Image:
    height, width = before.shape
    return np.asarray((after[:height, :width] != before[..., None]).any(axis=2), dtype=np.uint8)


def test_a_page_with_nothing_on_it_stays_as_it_is() -> None:
    drawn = draw_overlay(PAGE, [], {})

    assert drawn.shape[:2] == PAGE.shape
    assert not is_changed(PAGE, drawn).any()


def test_the_page_itself_is_left_alone() -> None:
    before = PAGE.copy()

    draw_overlay(PAGE, [TextLine("ABC", 0.9, box(20, 20, 120, 50))], {"name": Field("ABC", 0.9, None)})

    assert np.array_equal(PAGE, before)


def test_every_line_gets_a_grey_frame_and_keeps_its_inside() -> None:
    line = TextLine("ABC", 0.9, box(20, 20, 120, 50))

    drawn = draw_overlay(PAGE, [line], {})

    assert is_changed(PAGE, drawn)[20, 20:120].all()
    assert not is_changed(PAGE, drawn)[25:45, 25:115].any()
    assert len(set(drawn[20, 60].tolist())) == 1


def test_a_field_gets_a_coloured_frame_and_a_white_label_to_its_right() -> None:
    place = box(20, 80, 120, 110)

    drawn = draw_overlay(PAGE, [TextLine("ABC", 0.9, place)], {"name": Field("ABC", 0.9, place)})

    assert len(set(drawn[80, 60].tolist())) > 1
    assert (drawn[80:110, 125:200] == 255).all(axis=2).mean() > 0.2


def test_labels_cover_no_text_line() -> None:
    value, neighbour = box(20, 80, 120, 110), box(150, 80, 300, 110)
    lines = [TextLine("ABC", 0.9, value), TextLine("DEF", 0.9, neighbour)]

    drawn = draw_overlay(PAGE, lines, {"name": Field("ABC", 0.9, value)})

    assert not is_changed(PAGE, drawn)[85:105, 155:295].any()
    assert (drawn[80:110, 305:400] == 255).all(axis=2).any()


def test_a_label_with_no_room_left_makes_the_picture_wider() -> None:
    place = box(450, 80, 590, 110)

    drawn = draw_overlay(PAGE, [], {"name": Field("ABC", 0.9, place)})

    assert drawn.shape[0] == PAGE.shape[0]
    assert drawn.shape[1] > PAGE.shape[1]


def test_a_field_without_a_place_is_written_below_the_page() -> None:
    drawn = draw_overlay(PAGE, [], {"name": Field("ABC", 0.9), "nik": Field("123", 0.9)})

    assert drawn.shape[0] > PAGE.shape[0]
    assert not is_changed(PAGE, drawn).any()
    assert (drawn[PAGE.shape[0] :] < 100).any()
