"""Renders the pages of a PDF with PDFium. Its text is not extracted: it proves nothing about the card."""

from collections.abc import Iterator

import pypdfium2
from pypdfium2.raw import FPDF_ERR_PASSWORD, FPDF_ERR_SECURITY, FPDF_PAGEOBJ_IMAGE

from .decoded_page import Page, RefusedError, Rendition, page_size
from .limits import MAX_PAGES, MAX_PDF_SCALE, PIXEL_BUDGET


def pdf_pages(content: bytes, rendition: Rendition) -> Iterator[Page]:
    """Yield the first pages.

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
        for index in range(min(len(document), MAX_PAGES)):
            yield _render(document[index], rendition)


def _render(page: pypdfium2.PdfPage, rendition: Rendition) -> Page:
    images = page.get_objects(filter=[FPDF_PAGEOBJ_IMAGE])
    if sum(width * height for width, height in (image.get_px_size() for image in images)) > PIXEL_BUDGET:
        raise RefusedError("image_too_large")
    width, height = page.get_size()
    # PDFium rounds page sizes up to whole pixels: half a pixel less never exceeds the longest side.
    scale = min(MAX_PDF_SCALE, (rendition.longest_side - 0.5) / max(width, height, 1))
    page_size(width * MAX_PDF_SCALE, height * MAX_PDF_SCALE, rendition)
    bitmap = page.render(scale=scale, grayscale=rendition.mode == "L")
    try:
        return Page(bitmap.width, bitmap.height, _without_padding(bitmap))
    finally:
        bitmap.close()


def _without_padding(bitmap: pypdfium2.PdfBitmap) -> bytes:
    """Return the rows without PDFium's padding to multiples of four bytes."""
    pixels, used = memoryview(bitmap.buffer).cast("B"), bitmap.width * bitmap.n_channels
    if used == bitmap.stride:
        return bytes(pixels)
    starts = range(0, bitmap.stride * bitmap.height, bitmap.stride)
    return b"".join(pixels[start : start + used] for start in starts)
