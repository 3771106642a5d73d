"""Decodes photos and scans with Pillow; sizes are checked before, and reduced before colour conversion."""

import io
from collections.abc import Iterator
from typing import cast

import PIL.Image
import PIL.ImageFile
from PIL import AvifImagePlugin
from PIL.Image import Resampling

from .decoded_page import Page, RefusedError, Rendition, page_size
from .file_formats import FileFormat
from .jpeg import has_all_scans
from .limits import MAX_PAGES, PIXEL_BUDGET, PROGRESSIVE_PIXEL_BUDGET, REDUCIBLE_PIXEL_BUDGET
from .png import without_metadata

#: Pillow checks the size in a file's header before it allocates memory, and refuses more than twice this.
PIL.Image.MAX_IMAGE_PIXELS = REDUCIBLE_PIXEL_BUDGET // 2

#: One thread for each decoder process, as for the other formats.
AvifImagePlugin.DEFAULT_MAX_THREADS = 1

#: Marker at the end of a JPEG, and data that a decoder would read as a part of the picture.
_JPEG_END, _OTHER_DATA = b"\xff\xd9", b"\xa5\x3c" * 64

#: EXIF tag of the orientation (CIPA DC-008, 4.6.5), and its values.
_ORIENTATION, _ORIENTATIONS = 0x0112, range(1, 9)

#: TIFF tag with a bit for reduced copies of another page (TIFF 6.0, NewSubfileType).
_SUBFILE_TYPE, _REDUCED_COPY = 254, 1


def pictures(content: bytes, file_format: FileFormat, rendition: Rendition) -> Iterator[Page]:
    """Yield the first pages of a TIFF, or the only page of any other picture.

    Raises:
        RefusedError: the picture is too large or too small.
        Exception: the picture is damaged; Pillow's decoders raise a dozen types.
    """
    if file_format is FileFormat.TIFF:
        yield from _tiff_pages(content, rendition)
    elif file_format is FileFormat.JPEG:
        yield _jpeg_page(content, rendition)
    else:
        if file_format is FileFormat.HEIC:
            _register_heic()
        if file_format is FileFormat.PNG:
            content = without_metadata(content)
        with _open(content, file_format) as picture:
            yield _decode(picture, rendition)


def _open(content: bytes, file_format: FileFormat) -> PIL.ImageFile.ImageFile:
    try:
        return PIL.Image.open(io.BytesIO(content), formats=[file_format.value])
    except PIL.Image.DecompressionBombError:
        raise RefusedError("image_too_large") from None


def _tiff_pages(content: bytes, rendition: Rendition) -> Iterator[Page]:
    with _open(content, FileFormat.TIFF) as picture:
        for frame in range(MAX_PAGES):
            try:
                picture.seek(frame)
            except EOFError:
                return
            if frame == 0 or not picture.getexif().get(_SUBFILE_TYPE, 0) & _REDUCED_COPY:
                yield _decode(picture, rendition)


def _jpeg_page(content: bytes, rendition: Rendition) -> Page:
    """Decode a JPEG, even if only its end marker is missing.

    Some programs lose the last two bytes. With an end marker appended libjpeg also accepts a file that lacks
    a part of the picture, and makes that part up. So the file is completed in two ways: only if nothing is
    missing both give the same picture.
    """
    try:
        return _decode_jpeg(content, rendition)
    except OSError:
        if not has_all_scans(content):
            raise
        page = _decode_jpeg(content + _JPEG_END, rendition)
        if page != _decode_jpeg(content + _OTHER_DATA + _JPEG_END, rendition):
            raise
        return page


def _decode_jpeg(content: bytes, rendition: Rendition) -> Page:
    with _open(content, FileFormat.JPEG) as picture:
        # In one block: libjpeg's arithmetic decoder cannot wait for more data.
        picture.decodermaxblock = max(picture.decodermaxblock, len(content))
        return _decode(picture, rendition)


def _register_heic() -> None:
    import pi_heif

    pi_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False, decode_threads=1)


def _decode(picture: PIL.Image.Image, rendition: Rendition) -> Page:
    if picture.width * picture.height > _pixel_budget(picture):
        raise RefusedError("image_too_large")
    size = page_size(picture.width, picture.height, rendition)
    # Decodes a JPEG at a half, a quarter or an eighth of its size, and in grey without its colours. Other
    # formats ignore it.
    draft_share = rendition.min_draft_side / rendition.longest_side
    picture.draft(rendition.mode, (int(size[0] * draft_share), int(size[1] * draft_share)))
    picture.load()
    page = _flattened(_reduced(_averageable(picture), size)).convert(rendition.mode)
    pixels = page.tobytes() if rendition.mode == "L" else page.tobytes("raw", "BGR")
    return Page(page.width, page.height, pixels, _orientation(picture))


def _pixel_budget(picture: PIL.Image.Image) -> int:
    if picture.format not in ("JPEG", "MPO"):
        return PIXEL_BUDGET
    return PROGRESSIVE_PIXEL_BUDGET if picture.info.get("progressive") else REDUCIBLE_PIXEL_BUDGET


def _orientation(picture: PIL.Image.Image) -> int:
    try:
        orientation = picture.getexif().get(_ORIENTATION, 1)
    # Unreadable metadata is no reason to refuse a picture.
    except Exception:
        return 1
    return orientation if orientation in _ORIENTATIONS else 1


def _averageable(picture: PIL.Image.Image) -> PIL.Image.Image:
    """Return the picture in a mode whose pixels can be averaged; without a copy if it already is."""
    mode = picture.mode
    if mode.startswith(("I", "F")):
        target = "F"
    elif picture.has_transparency_data:
        target = "LA" if mode == "LA" else "RGBA"
    else:
        target = {"1": "L", "P": "RGB", "PA": "RGB"}.get(mode, mode)
    return picture if mode == target else picture.convert(target)


def _reduced(picture: PIL.Image.Image, size: tuple[int, int]) -> PIL.Image.Image:
    return picture if max(picture.size) <= max(size) else picture.resize(size, Resampling.BOX)


def _flattened(picture: PIL.Image.Image) -> PIL.Image.Image:
    """Return the picture with 8 bits per channel, and transparency on white."""
    if picture.mode == "F":
        return _normalised(picture)
    if picture.mode in ("LA", "RGBA"):
        paper = PIL.Image.new("RGBA", picture.size, "white")
        return PIL.Image.alpha_composite(paper, picture.convert("RGBA"))
    return picture


def _normalised(grey: PIL.Image.Image) -> PIL.Image.Image:
    """Convert grey of 16, 32 bits or floats to 8 bits: the darkest pixel to black, the brightest to white."""
    low, high = cast("tuple[float, float]", grey.getextrema())
    scale = 255 / (high - low) if 0 < high - low < float("inf") else 0.0
    return grey.point(lambda level: level * scale - low * scale).convert("L")
