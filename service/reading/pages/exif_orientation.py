"""Applies EXIF's orientation: cameras store pictures as the sensor saw them and note the rotation."""

import cv2
import numpy as np

from service.reading.ocr.engine import ColourImage, Image

#: EXIF's orientations (CIPA DC-008, 4.6.5), except for 1 (upright) and for 5 and 7 (transposed).
_ROTATIONS = {3: cv2.ROTATE_180, 6: cv2.ROTATE_90_CLOCKWISE, 8: cv2.ROTATE_90_COUNTERCLOCKWISE}
_FLIPS = {2: 1, 4: 0}


def apply_orientation(picture: Image | ColourImage, orientation: int) -> Image | ColourImage:
    """Return the upright picture for an EXIF orientation of 1 to 8.

    Raises:
        ValueError: ``orientation`` is invalid.
    """
    if orientation == 1:
        return picture
    if orientation in _ROTATIONS:
        return np.asarray(cv2.rotate(picture, _ROTATIONS[orientation]), np.uint8)
    if orientation in _FLIPS:
        return np.asarray(cv2.flip(picture, _FLIPS[orientation]), np.uint8)
    if orientation == 5:
        return np.asarray(cv2.transpose(picture), np.uint8)
    if orientation == 7:
        return np.asarray(cv2.flip(cv2.transpose(picture), -1), np.uint8)
    raise ValueError(orientation)
