"""Protocol between worker and decoder: a file in one direction, pages or a refusal in the other.

Every message starts with a header of fixed size, and no content is ever evaluated. So a decoder that a file
has taken over can send wrong answers, but cannot attack the worker.
"""

import socket
import struct

#: Header of a file: the requested rendition, and the length in bytes.
FILE = struct.Struct("!4sI")

#: Renditions: pages in grey, or small copies in blue, green, red.
GREY, COLOUR = b"grey", b"bgr "

#: Header of an answer: its tag and three numbers.
ANSWER = struct.Struct("!4sIIB")

#: Tags: a page (height, width, EXIF orientation, followed by the pixels), the end of the pages, a refusal
#: (length of the code, two zeros, followed by the code).
PAGE, DONE, FAIL = b"page", b"done", b"fail"


def receive_into(connection: socket.socket, target: memoryview) -> None:
    """Fill ``target`` with the next bytes.

    Raises:
        EOFError: the connection is closed.
    """
    while target:
        received = connection.recv_into(target)
        if not received:
            raise EOFError
        target = target[received:]


def receive(connection: socket.socket, size: int) -> bytearray:
    """Return the next ``size`` bytes.

    Raises:
        EOFError: the connection is closed.
    """
    content = bytearray(size)
    receive_into(connection, memoryview(content))
    return content
