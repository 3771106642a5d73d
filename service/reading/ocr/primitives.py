"""Types of the OCR engines that need no NumPy, for modules that only show or queue what was read."""

from typing import Literal, TypeAlias

#: Four corners (x, y) in pixels of the page, clockwise from the text's top left.
Box: TypeAlias = tuple[tuple[float, float], tuple[float, float], tuple[float, float], tuple[float, float]]

#: Device that the networks ran on.
Device: TypeAlias = Literal["cuda", "cpu"]
