"""Why a server could not be reached, in words that say where to look."""

import socket
import ssl
from collections.abc import Iterator

#: What an operating system's error means for the operator, and what to do; the first that fits counts.
CAUSES = (
    (ssl.SSLError, "it does not speak TLS there", "check the port, and whether the URL should ask for TLS"),
    (socket.gaierror, "the name of its host is not known", "check the host's name in the URL, and DNS"),
    (ConnectionRefusedError, "nobody listens there", "start the server, or check host and port in the URL"),
    (
        TimeoutError,
        "it does not answer",
        "check firewalls between here and there, and whether the URL should ask for TLS",
    ),
    (OSError, "the network fails", "check the URL, and the network between here and there"),
)


def broken_link(error: BaseException) -> tuple[str, str]:
    """What lies under a client's error, and what to do, without the client's own text.

    Works for clients that keep what they met as ``__cause__`` or ``__context__``: redis, botocore, httpx.
    """
    for each in _chain(error):
        if isinstance(each, ssl.SSLCertVerificationError):
            return (
                f"its certificate is not trusted: {each.verify_message}",
                "check the host's name in the URL, and this machine's CA certificates",
            )
        for kind, says, advice in CAUSES:
            if isinstance(each, kind):
                return says, advice
    return (
        f"the connection broke ({type(error).__name__})",
        "check the URL, and whether it should ask for TLS",
    )


def _chain(error: BaseException) -> Iterator[BaseException]:
    following: BaseException | None = error
    while following is not None:
        yield following
        following = following.__cause__ or following.__context__
