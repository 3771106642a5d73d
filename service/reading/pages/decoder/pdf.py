"""Pages of a PDF by PDFium, drawn as pictures: text inside them proves nothing about the card they show."""

from collections.abc import Iterator

import pypdfium2
from pypdfium2.raw import FPDF_ERR_PASSWORD, FPDF_ERR_SECURITY, FPDF_PAGEOBJ_IMAGE

from .decoded_page import Form, Page, RefusedError, page_size
from .limits import MAX_PAGES, MAX_PDF_SCALE, PIXEL_BUDGET


def pdf_pages(content: bytes, form: Form) -> Iterator[Page]:
    """Yield the first pages.

    Raises:
        RefusedError: the document is locked, or the next page is too large or too small.
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
            yield _drawn(document[index], form)


def _drawn(page: pypdfium2.PdfPage, form: Form) -> Page:
    images = page.get_objects(filter=[FPDF_PAGEOBJ_IMAGE])
    if sum(width * height for width, height in (image.get_px_size() for image in images)) > PIXEL_BUDGET:
        raise RefusedError("image_too_large")
    width, height = page.get_size()
    # PDFium rounds a page up to whole pixels: half a pixel less comes to the longest side and never above.
    scale = min(MAX_PDF_SCALE, (form.longest_side - 0.5) / max(width, height, 1))
    page_size(width * MAX_PDF_SCALE, height * MAX_PDF_SCALE, form)
    bitmap = page.render(scale=scale, grayscale=form.mode == "L")
    try:
        return Page(bitmap.width, bitmap.height, _without_gaps(bitmap))
    finally:
        bitmap.close()


def _without_gaps(bitmap: pypdfium2.PdfBitmap) -> bytes:
    """Return the rows, of which PDFium begins each at a multiple of four bytes, one right after another."""
    pixels, used = memoryview(bitmap.buffer).cast("B"), bitmap.width * bitmap.n_channels
    if used == bitmap.stride:
        return bytes(pixels)
    starts = range(0, bitmap.stride * bitmap.height, bitmap.stride)
    return b"".join(pixels[start : start + used] for start in starts)
