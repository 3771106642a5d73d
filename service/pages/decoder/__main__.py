"""Answers one file after another until the worker is gone.

Its arguments are the socket to the worker and the memory that both see, as file descriptors.
"""

import contextlib
import mmap
import socket
import sys
from collections.abc import Iterator

from .confinement import confine, limited_time
from .exchange import ANSWER, COLOURS, DONE, FAIL, FILE, GREY, PAGE, receive
from .kinds import Kind, kind_of
from .limits import MOST_PAGES, PAGE_ROOM
from .page import IN_COLOUR, IN_GREY, Form, Page, RefusedError
from .pdf import pdf_pages
from .pictures import pictures

_FORMS = {GREY: IN_GREY, COLOURS: IN_COLOUR}


def main() -> None:
    """Serve the worker."""
    confine()
    memory = mmap.mmap(int(sys.argv[2]), MOST_PAGES * PAGE_ROOM)
    with socket.socket(fileno=int(sys.argv[1])) as connection, contextlib.suppress(EOFError):
        while True:
            wanted, size = FILE.unpack(receive(connection, FILE.size))
            content = bytes(receive(connection, size))
            with limited_time():
                _answer(connection, memory, content, _FORMS[wanted])


def _answer(connection: socket.socket, memory: mmap.mmap, content: bytes, form: Form) -> None:
    """Tell of each page as soon as it is there: the first counts even when the second kills this process."""
    kind = kind_of(content)
    pages = _pages(content, kind, form)
    sent = 0
    while True:
        try:
            page = next(pages, None)
        except Exception as error:
            # What follows a good first page may well be broken; the card is on the first.
            if not sent:
                code = _code(error, kind).encode()
                connection.sendall(ANSWER.pack(FAIL, len(code), 0, 0) + code)
                return
            page = None
        if page is None:
            connection.sendall(ANSWER.pack(DONE, 0, 0, 0))
            return
        start = sent * PAGE_ROOM
        memory[start : start + len(page.pixels)] = page.pixels
        connection.sendall(ANSWER.pack(PAGE, page.height, page.width, page.orientation))
        sent += 1


def _pages(content: bytes, kind: Kind | None, form: Form) -> Iterator[Page]:
    if kind is None:
        raise RefusedError("not_an_image")
    yield from pdf_pages(content, form) if kind is Kind.PDF else pictures(content, kind, form)


def _code(error: Exception, kind: Kind | None) -> str:
    if isinstance(error, RefusedError):
        return error.code
    if isinstance(error, MemoryError):
        return "image_too_large"
    return "broken_pdf" if kind is Kind.PDF else "truncated_image"


if __name__ == "__main__":
    main()
