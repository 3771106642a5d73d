"""Photos and scans by Pillow: sizes are judged before anything is decoded, and reduced before colours are."""

import io
from collections.abc import Iterator
from typing import cast

import PIL.Image
from PIL.Image import Resampling

from .decoded_page import Form, Page, RefusedError, page_size
from .file_formats import Kind
from .limits import MAX_PAGES, PIXEL_BUDGET, REDUCIBLE_PIXEL_BUDGET

#: Pillow looks at the size that WebP claims before it asks for the memory, and refuses twice as much as this.
PIL.Image.MAX_IMAGE_PIXELS = REDUCIBLE_PIXEL_BUDGET // 2

#: Tag of EXIF that says how the camera was held (CIPA DC-008, 4.6.5), and its values.
_ORIENTATION, _ORIENTATIONS = 0x0112, range(1, 9)

#: Tag of TIFF and its bit that say: this is a small copy of another page (TIFF 6.0, NewSubfileType).
_SUBFILE_TYPE, _SMALL_COPY = 254, 1


def pictures(content: bytes, kind: Kind, form: Form) -> Iterator[Page]:
    """Yield the first pages of a TIFF, or the one of any other picture.

    Raises:
        RefusedError: by its header the picture is too large or too small.
        Exception: the picture is damaged; Pillow's decoders raise a dozen kinds.
    """
    if kind is Kind.HEIC:
        _learn_heic()
    try:
        picture = PIL.Image.open(io.BytesIO(content), formats=[kind.value])
    except PIL.Image.DecompressionBombError:
        raise RefusedError("image_too_large") from None
    with picture:
        if kind is not Kind.TIFF:
            yield _page(picture, form)
            return
        for frame in range(MAX_PAGES):
            try:
                picture.seek(frame)
            except EOFError:
                return
            if frame == 0 or not picture.getexif().get(_SUBFILE_TYPE, 0) & _SMALL_COPY:
                yield _page(picture, form)


def _learn_heic() -> None:
    import pi_heif

    pi_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False, decode_threads=1)


def _page(picture: PIL.Image.Image, form: Form) -> Page:
    reducible = picture.format in ("JPEG", "MPO") and not picture.info.get("progressive")
    if picture.width * picture.height > (REDUCIBLE_PIXEL_BUDGET if reducible else PIXEL_BUDGET):
        raise RefusedError("image_too_large")
    size = page_size(picture.width, picture.height, form)
    # A JPEG is decoded at a half, a quarter or an eighth of its size, and its light without its colours;
    # other formats ignore this.
    least = form.least_draft_side / form.longest_side
    picture.draft(form.mode, (int(size[0] * least), int(size[1] * least)))
    picture.load()
    page = _on_paper(_reduced(_plain(picture), size)).convert(form.mode)
    pixels = page.tobytes() if form.mode == "L" else page.tobytes("raw", "BGR")
    return Page(page.width, page.height, pixels, _orientation(picture))


def _orientation(picture: PIL.Image.Image) -> int:
    try:
        noted = picture.getexif().get(_ORIENTATION, 1)
    # Notes of the camera that nobody can read are no reason to refuse a picture.
    except Exception:
        return 1
    return noted if noted in _ORIENTATIONS else 1


def _plain(picture: PIL.Image.Image) -> PIL.Image.Image:
    """Return the picture in a mode whose pixels can be averaged; itself where it can, for the copy costs."""
    mode = picture.mode
    if mode.startswith(("I", "F")):
        wanted = "F"
    elif picture.has_transparency_data:
        wanted = "LA" if mode == "LA" else "RGBA"
    else:
        wanted = {"1": "L", "P": "RGB", "PA": "RGB"}.get(mode, mode)
    return picture if mode == wanted else picture.convert(wanted)


def _reduced(picture: PIL.Image.Image, size: tuple[int, int]) -> PIL.Image.Image:
    return picture if max(picture.size) <= max(size) else picture.resize(size, Resampling.BOX)


def _on_paper(picture: PIL.Image.Image) -> PIL.Image.Image:
    """Return the picture with 8 bits a channel; what is transparent shows white paper."""
    if picture.mode == "F":
        return _stretched(picture)
    if picture.mode in ("LA", "RGBA"):
        paper = PIL.Image.new("RGBA", picture.size, "white")
        return PIL.Image.alpha_composite(paper, picture.convert("RGBA"))
    return picture


def _stretched(grey: PIL.Image.Image) -> PIL.Image.Image:
    """Return 8 bits of grey for 16, 32 or a fraction: the darkest becomes black, the brightest white."""
    low, high = cast("tuple[float, float]", grey.getextrema())
    scale = 255 / (high - low) if 0 < high - low < float("inf") else 0.0
    return grey.point(lambda level: level * scale - low * scale).convert("L")
