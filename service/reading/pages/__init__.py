"""Decodes documents into page images, within limits on untrusted input.

Files are decoded in a separate process (``decoder``), with memory and time limits enforced by the kernel.
Every fault of a file becomes a ``DocumentError`` that tells the user what to do and contains nothing of the
file's content.
"""

import contextlib
from functools import partial

from service.errors import DocumentError
from service.reading.ocr.engine import ColourImage, Page
from service.reading.pages.decoder.file_formats import detect_format
from service.reading.pages.decoder.limits import MAX_FILE_SIZE, MAX_SIDE
from service.reading.pages.decoder.protocol import COLOUR, GREY
from service.reading.pages.pool import DEFAULT_POOL, DecoderPool
from service.reading.pages.refusals import REFUSALS, refusal, too_large

__all__ = ["MAX_FILE_SIZE", "MAX_SIDE", "REFUSALS", "DecoderPool", "close_decoders", "read_pages"]


def read_pages(content: bytes, pool: DecoderPool = DEFAULT_POOL) -> list[Page]:
    """Return the first pages of a document, at most ``MAX_SIDE`` pixels long, rotated as noted by the camera.

    A page after the first that cannot be read is left out.

    Raises:
        DocumentError: the file is not a readable picture or PDF; the code is one of ``REFUSALS``.
        EngineError: the decoder failed, and the file is not the cause.
    """
    if not content:
        raise refusal("empty_file")
    if len(content) > MAX_FILE_SIZE:
        raise too_large(MAX_FILE_SIZE)
    if detect_format(content) is None:
        raise refusal("not_an_image")
    images = pool.decode(content, GREY)
    return [Page(image, partial(_colour_copy, pool, content, index)) for index, image in enumerate(images)]


def close_decoders() -> None:
    """End the idle decoder processes of this process; ``read_pages`` starts new ones. Idempotent."""
    DEFAULT_POOL.close()


def _colour_copy(pool: DecoderPool, content: bytes, index: int) -> ColourImage | None:
    """Return a small copy of a page in colour; None if it cannot be made, unlike the page in grey."""
    with contextlib.suppress(DocumentError, IndexError):
        return pool.decode(content, COLOUR)[index]
    return None
