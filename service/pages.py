"""The bytes of a document become page images: every limit on bad input lives here.

What a file is, its bytes say; names and content types are not looked at. Whatever is wrong with a file ends
as a ``DocumentError`` that tells the user what to do and holds nothing of the file's content.
"""

import io
import threading
from collections.abc import Iterator

import cv2
import numpy as np
import PIL.Image
import pypdfium2
from PIL import ImageOps
from pypdfium2.raw import FPDF_ERR_PASSWORD, FPDF_ERR_SECURITY, FPDF_PAGEOBJ_IMAGE

from service.errors import DocumentError
from service.ocr.engine import Image

#: Pixels of a page's longest side; print of a card that fills the page is then about 50 pixels high.
LONGEST_SIDE = 2000

#: Pixels of a page's shortest side: nobody can read less.
SHORTEST_SIDE = 48

#: Pixels that are decoded in full, about 160 MB as RGB with a copy of it.
PIXEL_BUDGET = 40_000_000

#: Pixels of a JPEG that is decoded line by line at a reduced size: the largest pictures that phones take.
REDUCIBLE_PIXEL_BUDGET = 120_000_000

#: A card has two sides; what follows is not part of the card.
MOST_PDF_PAGES = 2

#: PDFium units (points) are enlarged at most so much: 300 dots an inch.
LARGEST_PDF_SCALE = 300 / 72

#: Formats as Pillow names them.
IMAGE_FORMATS = ("JPEG", "PNG", "WEBP", "TIFF")

#: How files of the usual formats begin, also when the rest is damaged beyond recognition.
IMAGE_MARKS = (b"\xff\xd8\xff", b"\x89PNG\r\n")

#: PDFium is not safe to use from several threads, not even on different documents.
_pdfium = threading.Lock()

#: What users are told, by code: in Indonesian and in English.
REFUSALS = {
    "empty_file": (
        "Berkas kosong; silakan unggah ulang foto kartu Anda.",
        "The file is empty; please upload the photo of your card again.",
    ),
    "not_an_image": (
        "Berkas bukan gambar; silakan unggah foto kartu sebagai JPEG, PNG, atau PDF.",
        "The file is not a picture; please upload a photo of your card as JPEG, PNG or PDF.",
    ),
    "truncated_image": (
        "Gambar rusak atau tidak lengkap; silakan unggah ulang foto kartu Anda.",
        "The picture is damaged or incomplete; please upload the photo of your card again.",
    ),
    "image_too_large": (
        "Gambar terlalu besar; silakan unggah foto dengan resolusi lebih rendah.",
        "The picture is too large; please upload a photo with a lower resolution.",
    ),
    "image_too_small": (
        "Gambar terlalu kecil untuk dibaca; silakan unggah foto yang lebih besar.",
        "The picture is too small to read; please upload a larger photo.",
    ),
    "encrypted_pdf": (
        "PDF dilindungi kata sandi; silakan unggah PDF tanpa kata sandi atau foto kartu Anda.",
        "The PDF is protected by a password; please upload one without, or a photo of your card.",
    ),
    "broken_pdf": (
        "PDF rusak atau tanpa halaman; silakan unggah ulang, atau unggah foto kartu Anda.",
        "The PDF is damaged or has no pages; please upload it again, or upload a photo of your card.",
    ),
}


def refusal(code: str) -> DocumentError:
    """Return the error for one of ``REFUSALS``."""
    return DocumentError(code, *REFUSALS[code])


def read_pages(content: bytes) -> list[Image]:
    """Return the pages of a document, at most ``LONGEST_SIDE`` pixels long, turned as the camera noted.

    Raises:
        DocumentError: the file is not a picture or PDF that can be read; its code is one of ``REFUSALS``.
    """
    if not content:
        raise refusal("empty_file")
    # Readers of PDF look for its mark within the first 1024 bytes, and a photo's notes may well contain it.
    if b"%PDF-" in content[:1024] and not content.startswith(IMAGE_MARKS):
        with _pdfium:
            return list(_pdf_pages(content))
    return [_picture(content)]


def _picture(content: bytes) -> Image:
    try:
        picture = PIL.Image.open(io.BytesIO(content), formats=IMAGE_FORMATS)
    # The warning comes as an error where Python is told so; otherwise our own, smaller budget follows.
    except (PIL.Image.DecompressionBombError, PIL.Image.DecompressionBombWarning):
        raise refusal("image_too_large") from None
    except Exception:
        raise refusal("truncated_image" if content.startswith(IMAGE_MARKS) else "not_an_image") from None
    with picture:
        reducible = picture.format in ("JPEG", "MPO") and not picture.info.get("progressive")
        if picture.width * picture.height > (REDUCIBLE_PIXEL_BUDGET if reducible else PIXEL_BUDGET):
            raise refusal("image_too_large")
        size = _page_size(picture.width, picture.height)
        try:
            # A JPEG is decoded at a half, a quarter or an eighth of its size; other formats ignore this.
            picture.draft(None, size)
            picture.load()
            page = _colours(_turned(picture))
        # Damaged files make Pillow's decoders raise a dozen kinds of exceptions.
        except Exception:
            raise refusal("truncated_image") from None
    return _reduced(page)


def _page_size(width: float, height: float) -> tuple[int, int]:
    """Return width and height after reduction.

    Raises:
        DocumentError: too little would be left.
    """
    scale = min(1.0, LONGEST_SIDE / max(width, height, 1))
    if min(width, height) * scale < SHORTEST_SIDE:
        raise refusal("image_too_small")
    return int(width * scale), int(height * scale)


def _turned(picture: PIL.Image.Image) -> PIL.Image.Image:
    try:
        return ImageOps.exif_transpose(picture)
    # Notes of the camera that nobody can read are no reason to refuse a picture.
    except Exception:
        return picture


def _colours(picture: PIL.Image.Image) -> Image:
    """Return any picture in blue, green, red with 8 bits each; what is transparent shows white paper."""
    if picture.mode.startswith(("I", "F")):
        depth = np.nan_to_num(np.asarray(picture, np.float32))
        grey = cv2.normalize(depth, np.empty(0), 0, 255, cv2.NORM_MINMAX, cv2.CV_8U)
        return np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), np.uint8)
    if picture.has_transparency_data:
        paper = PIL.Image.new("RGBA", picture.size, "white")
        picture = PIL.Image.alpha_composite(paper, picture.convert("RGBA"))
    return np.asarray(cv2.cvtColor(np.asarray(picture.convert("RGB")), cv2.COLOR_RGB2BGR), np.uint8)


def _reduced(page: Image) -> Image:
    height, width = page.shape[:2]
    if max(height, width) <= LONGEST_SIDE:
        return page
    return np.asarray(cv2.resize(page, _page_size(width, height), interpolation=cv2.INTER_AREA), np.uint8)


def _pdf_pages(content: bytes) -> Iterator[Image]:
    try:
        with pypdfium2.PdfDocument(content) as document:
            for index in range(min(len(document), MOST_PDF_PAGES)):
                yield _rendered(document[index])
    except pypdfium2.PdfiumError as error:
        locked = error.err_code in (FPDF_ERR_PASSWORD, FPDF_ERR_SECURITY)
        raise refusal("encrypted_pdf" if locked else "broken_pdf") from None


def _rendered(page: pypdfium2.PdfPage) -> Image:
    images = page.get_objects(filter=[FPDF_PAGEOBJ_IMAGE])
    if sum(width * height for width, height in (image.get_px_size() for image in images)) > PIXEL_BUDGET:
        raise refusal("image_too_large")
    width, height = page.get_size()
    scale = min(LARGEST_PDF_SCALE, LONGEST_SIDE / max(width, height, 1))
    _page_size(width * scale, height * scale)
    bitmap = page.render(scale=scale)
    try:
        # The bitmap's memory is PDFium's: a view of it would outlive it.
        return np.array(bitmap.to_numpy(), np.uint8)
    finally:
        bitmap.close()
