"""Renders the pages of a PDF with PDFium. Its text is not extracted: it proves nothing about the card."""

from collections.abc import Iterator
from itertools import islice

import pypdfium2
from PIL import ImageChops, ImageFilter, ImageStat
from pypdfium2.raw import FPDF_ERR_PASSWORD, FPDF_ERR_SECURITY, FPDF_PAGEOBJ_IMAGE

from .decoded_page import Page, RefusedError, Rendition, page_size
from .file_formats import FileFormat, detect_format
from .limits import MAX_FILE_SIZE, MAX_PAGES, MAX_PDF_SCALE, MAX_SEARCHED_PAGES, PIXEL_BUDGET
from .pictures import pictures

#: Images on one page together, as a multiple of what one of them may have: compressing scanners divide a page
#: into a background, a foreground and masks.
_MAX_IMAGES_BUDGET = 3

#: Standard deviation in grey levels of a page from its own blurred copy, up to which it is blank, and longest
#: side and blur in pixels of the copy that is tested (as in ``service.reading.reader``).
_MAX_BLANK_DETAIL, _THUMBNAIL_SIDE, _BLUR = 2.0, 240, 6


def pdf_pages(content: bytes, rendition: Rendition) -> Iterator[Page]:
    """Yield the first pages; of longer documents the first ones that are not blank. Then attached pictures.

    Raises:
        RefusedError: the document is encrypted, or the next page is too large or too small.
        pypdfium2.PdfiumError: the document or its next page is damaged.
    """
    try:
        document = pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as error:
        locked = error.err_code in (FPDF_ERR_PASSWORD, FPDF_ERR_SECURITY)
        raise RefusedError("encrypted_pdf" if locked else "broken_pdf") from None
    with document:
        if not len(document):
            raise RefusedError("broken_pdf")
        # Without this, buttons and other fields of a form are not drawn.
        document.init_forms()
        indexes = _indexes_of_content(document)
        for index in indexes or [0]:
            yield _render(document[index], rendition)
        yield from islice(_attached_pictures(document, rendition), MAX_PAGES - len(indexes))


def _indexes_of_content(document: pypdfium2.PdfDocument) -> list[int]:
    """Return the first pages; if there are more, or attachments, only pages that are not blank."""
    if len(document) <= MAX_PAGES and not document.count_attachments():
        return [*range(len(document))]
    searched = range(min(len(document), MAX_SEARCHED_PAGES))
    return [*islice((index for index in searched if not _is_blank(document[index])), MAX_PAGES)]


def _is_blank(page: pypdfium2.PdfPage) -> bool:
    """Whether a page shows nothing. Judged on a small copy of its own, so the same for every rendition."""
    _check_images(page)
    bitmap = page.render(scale=_THUMBNAIL_SIDE / max(*page.get_size(), 1), grayscale=True)
    try:
        image = bitmap.to_pil()
        detail = ImageChops.difference(image, image.filter(ImageFilter.GaussianBlur(_BLUR)))
        return bool(ImageStat.Stat(detail).rms[0] < _MAX_BLANK_DETAIL)
    finally:
        bitmap.close()


def _attached_pictures(document: pypdfium2.PdfDocument, rendition: Rendition) -> Iterator[Page]:
    """Yield the pages of attached pictures; attachments that cannot be read are skipped."""
    for index in range(document.count_attachments()):
        try:
            content = bytes(document.get_attachment(index).get_data())
            file_format = detect_format(content)
            if file_format not in (None, FileFormat.PDF) and len(content) <= MAX_FILE_SIZE:
                yield from pictures(content, file_format, rendition)
        # Pillow's decoders raise a dozen types, and the next attachment may be fine.
        except Exception:  # noqa: S112
            continue


def _render(page: pypdfium2.PdfPage, rendition: Rendition) -> Page:
    _check_images(page)
    width, height = page.get_size()
    # PDFium rounds page sizes up to whole pixels: half a pixel less never exceeds the longest side.
    scale = min(MAX_PDF_SCALE, (rendition.longest_side - 0.5) / max(width, height, 1))
    page_size(width * MAX_PDF_SCALE, height * MAX_PDF_SCALE, rendition)
    bitmap = page.render(scale=scale, grayscale=rendition.mode == "L")
    try:
        return Page(bitmap.width, bitmap.height, _without_padding(bitmap))
    finally:
        bitmap.close()


def _check_images(page: pypdfium2.PdfPage) -> None:
    images = page.get_objects(filter=[FPDF_PAGEOBJ_IMAGE])
    sizes = [width * height for width, height in (image.get_px_size() for image in images)]
    if max(sizes, default=0) > PIXEL_BUDGET or sum(sizes) > _MAX_IMAGES_BUDGET * PIXEL_BUDGET:
        raise RefusedError("image_too_large")


def _without_padding(bitmap: pypdfium2.PdfBitmap) -> bytes:
    """Return the rows without PDFium's padding to multiples of four bytes."""
    pixels, used = memoryview(bitmap.buffer).cast("B"), bitmap.width * bitmap.n_channels
    if used == bitmap.stride:
        return bytes(pixels)
    starts = range(0, bitmap.stride * bitmap.height, bitmap.stride)
    return b"".join(pixels[start : start + used] for start in starts)
