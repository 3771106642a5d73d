"""Why a server could not be reached, and where to look."""

import socket
import ssl
from collections.abc import Iterator

#: Errors of the operating system, with the finding and the advice; the first that fits counts.
CAUSES = (
    (
        ssl.SSLError,
        "it does not speak TLS on that port",
        "check the port, and whether the URL should use TLS",
    ),
    (socket.gaierror, "its host name cannot be resolved", "check the host name in the URL, and DNS"),
    (
        ConnectionRefusedError,
        "nothing listens on that port",
        "start the server, or check host and port in the URL",
    ),
    (
        TimeoutError,
        "it does not answer",
        "check firewalls on the way, and whether the URL should use TLS",
    ),
    (OSError, "the network fails", "check the URL, and the network on the way"),
)


def broken_link(error: BaseException) -> tuple[str, str]:
    """Return the cause of a client's error, and what to do, without the client's own text.

    Works for clients that keep the cause as ``__cause__`` or ``__context__``: redis, botocore, httpx.
    """
    for each in _chain(error):
        if isinstance(each, ssl.SSLCertVerificationError):
            return (
                f"its certificate is not trusted: {each.verify_message}",
                "check the host name in the URL, and this machine's CA certificates",
            )
        for kind, says, advice in CAUSES:
            if isinstance(each, kind):
                return says, advice
    return (
        f"the connection broke ({type(error).__name__})",
        "check the URL, and whether it should use TLS",
    )


def _chain(error: BaseException) -> Iterator[BaseException]:
    following: BaseException | None = error
    while following is not None:
        yield following
        following = following.__cause__ or following.__context__
