"""Pages as the camera was held: it notes that in the file, and stores its picture as the sensor saw it."""

import cv2
import numpy as np

from service.reading.ocr.engine import ColourImage, Image

#: EXIF's orientations (CIPA DC-008, 4.6.5) but for 1, and 5 and 7, which lie mirrored on their side.
_ROTATIONS = {3: cv2.ROTATE_180, 6: cv2.ROTATE_90_CLOCKWISE, 8: cv2.ROTATE_90_COUNTERCLOCKWISE}
_FLIPS = {2: 1, 4: 0}


def turned(picture: Image | ColourImage, orientation: int) -> Image | ColourImage:
    """Return a picture turned from how it is stored to how the camera was held.

    Raises:
        ValueError: there is no such orientation.
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
