"""The bytes of a document become page images: every limit on bad input lives here.

Files are decoded by a process of its own (``decoder``), with limits on memory and time that the kernel keeps.
Whatever is wrong with a file ends as a ``DocumentError`` that tells the user what to do and holds nothing of
the file's content.
"""

import contextlib
from functools import partial

from service.errors import DocumentError
from service.reading.ocr.engine import ColourImage, Page
from service.reading.pages.decoder.file_formats import kind_of
from service.reading.pages.decoder.limits import MAX_FILE_SIZE, MAX_SIDE
from service.reading.pages.decoder.protocol import COLOURS, GREY
from service.reading.pages.pool import pool
from service.reading.pages.refusals import REFUSALS, refusal

__all__ = ["MAX_FILE_SIZE", "MAX_SIDE", "REFUSALS", "close_decoders", "read_pages"]


def read_pages(content: bytes) -> list[Page]:
    """Return the first pages of a document, at most ``MAX_SIDE`` pixels long, turned as the camera noted.

    A page after the first that cannot be read is left out.

    Raises:
        DocumentError: the file is not a picture or PDF that can be read; its code is one of ``REFUSALS``.
        EngineError: the decoder could not do its work, and the file is not the cause.
    """
    if not content:
        raise refusal("empty_file")
    if len(content) > MAX_FILE_SIZE:
        raise refusal("file_too_large")
    if kind_of(content) is None:
        raise refusal("not_an_image")
    images = pool().decode(content, GREY)
    return [Page(image, partial(_small_copy, content, number)) for number, image in enumerate(images)]


def close_decoders() -> None:
    """End the decoder processes that are idle; `read_pages` starts others."""
    pool().close()


def _small_copy(content: bytes, number: int) -> ColourImage | None:
    """Return a page in colour; None where that, unlike the page in grey, cannot be made."""
    with contextlib.suppress(DocumentError, IndexError):
        return pool().decode(content, COLOURS)[number]
    return None
