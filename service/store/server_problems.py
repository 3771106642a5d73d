"""Why a server could not be asked, and what to do, in the same words for `doctor`, `status` and the log.

A client's own text is never shown: it can quote a URL with its password, or a row.
"""

import re
import socket
import ssl
from collections.abc import Iterator

import psycopg2
import redis

from service.errors import OcrWorkerError

#: Errors of the operating system, with the finding and the advice; the first that fits counts.
LINK_CAUSES = (
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

#: Messages of a PostgreSQL that runs and refuses the login of `DATABASE_URL`, with finding and advice.
POSTGRES_LOGINS = (
    (
        "password authentication failed",
        "it refuses the password or the user's name",
        "compare both in DATABASE_URL with the server's",
    ),
    (
        "no password supplied",
        "it requires a password, and DATABASE_URL has none",
        "add the password to DATABASE_URL",
    ),
    (
        "role .* does not exist",
        "there is no such user",
        "correct the user in DATABASE_URL, or create it",
    ),
    (
        "database .* does not exist",
        "there is no such database",
        "correct the database's name in DATABASE_URL",
    ),
    (
        "no pg_hba.conf entry",
        "its pg_hba.conf does not admit this user from here",
        "add an entry; where it requires TLS, add sslmode=verify-full to DATABASE_URL",
    ),
)

#: Messages of libpq, the server, or our own wait, with the finding and the advice.
POSTGRES_CAUSES = tuple(
    (re.compile(pattern), says, advice)
    for pattern, says, advice in (
        *POSTGRES_LOGINS,
        (
            "could not translate host name",
            "its host name cannot be resolved",
            "check the host in DATABASE_URL, and DNS",
        ),
        (
            "[Cc]onnection refused",
            "nothing listens on that port",
            "start PostgreSQL, or check host and port in DATABASE_URL",
        ),
        (
            "timeout expired|no answer",
            "it does not answer",
            "check firewalls and security groups on the way",
        ),
        (
            "certificate verify failed|root certificate file|does not match host name",
            "its certificate is not trusted",
            "add sslrootcert=system or the CA's file to DATABASE_URL, and check the host name",
        ),
        ("does not support SSL", "it does not support TLS", "enable ssl there, or change sslmode"),
        (
            "too many clients|remaining connection slots|too many connections",
            "all its connections are taken",
            "close idle clients, or raise max_connections",
        ),
        (
            "starting up|shutting down|recovery mode",
            "it is starting or shutting down",
            "wait until it has started",
        ),
        (
            "unsupported startup parameter",
            "a connection pooler refuses a parameter of DATABASE_URL",
            "remove `options` from DATABASE_URL, or let the pooler ignore it",
        ),
    )
)

#: Answers of a Redis that runs and refuses the login, by the words that tell them apart; else it is the last.
REDIS_LOGINS = (
    (
        "without any password configured",
        "it has no password, but one is sent",
        "unset REDIS_PASSWORD, or remove it from REDIS_URL",
    ),
    ("NOAUTH|Authentication required", "it requires a password, and none is set", "set REDIS_PASSWORD"),
    (
        "",
        "it refuses the password or the user's name",
        "compare the password in REDIS_URL, or else REDIS_PASSWORD, with the server's",
    ),
)

#: Findings that mean: the server runs, and the settings of whoever asks are wrong.
REFUSED_LOGINS = frozenset(says for _, says, _ in (*POSTGRES_LOGINS, *REDIS_LOGINS))

#: The finding for a Redis that spreads keys over nodes, and the advice.
REDIS_CLUSTER = (
    "it runs in cluster mode, which spreads the keys over nodes: no script can use them together",
    "use one primary with replicas (ElastiCache: cluster mode disabled, not serverless)",
)

#: Answers of Redis, with the finding and the advice; the first that fits counts.
REDIS_CAUSES = (
    (redis.BusyLoadingError, "it is loading its data after a start", "wait until it has loaded"),
    (
        redis.exceptions.NoPermissionError,
        "its ACL forbids a command",
        "`filot-ocr doctor` prints the rule that the worker needs",
    ),
    (redis.ReadOnlyError, "it is a replica, which is read-only", "name the primary in REDIS_URL"),
    (redis.exceptions.OutOfMemoryError, "its memory is full", "find what fills it, or raise maxmemory"),
    (redis.ResponseError, "it refuses a command", "check which server REDIS_URL names"),
)


def broken_link(error: BaseException) -> tuple[str, str]:
    """Return the cause of a client's error, and what to do, without the client's own text.

    Works for clients that keep the cause as ``__cause__`` or ``__context__``: redis, botocore, httpx.
    """
    chain = list(_chain(error))
    for each in chain:
        if isinstance(each, ssl.SSLCertVerificationError):
            return (
                f"its certificate is not trusted: {each.verify_message}",
                "check the host name in the URL, and this machine's CA certificates",
            )
    for kind, says, advice in LINK_CAUSES:
        # A client's own error may be an OSError as well, and the system's is within it.
        if any(isinstance(each, kind) for each in chain):
            return says, advice
    return "the connection broke", "check whether the server runs, the URL, and whether it should use TLS"


def _chain(error: BaseException) -> Iterator[BaseException]:
    following: BaseException | None = error
    while following is not None:
        yield following
        following = following.__cause__ or following.__context__


def redis_problem(error: redis.RedisError) -> tuple[str, str]:
    """Return why Redis did not answer as asked, and what to do: a wrong password is not an outage."""
    if isinstance(error, redis.AuthenticationError):
        return next((says, advice) for words, says, advice in REDIS_LOGINS if re.search(words, str(error)))
    if str(error).startswith(("CROSSSLOT", "CLUSTERDOWN", "MOVED")):
        return REDIS_CLUSTER
    for kind, says, advice in REDIS_CAUSES:
        if isinstance(error, kind):
            return says, advice
    return broken_link(error)


def postgres_problem(error: psycopg2.Error) -> tuple[str, str]:
    """Return why PostgreSQL could not be asked, and what to do: a wrong password is not an outage."""
    for pattern, says, advice in POSTGRES_CAUSES:
        if pattern.search(str(error)):
            return says, advice
    if error.pgcode is None:
        return "the connection broke", "check whether PostgreSQL runs, and a pooler before it"
    return f"it refuses the query (SQLSTATE {error.pgcode})", 'see the output of `psql "$DATABASE_URL"`'


def unusable(server: str, cause: str) -> str:
    """Say that a server cannot be used: one that refuses the login of whoever asks is not down."""
    refused = cause in REFUSED_LOGINS
    return (
        f"{server} is up, but does not let us in: {cause}" if refused else f"{server} is unavailable: {cause}"
    )


def describe_outage(error: redis.RedisError | OcrWorkerError) -> str:
    """Return our own sentence, or why Redis did not answer."""
    return str(error) if isinstance(error, OcrWorkerError) else f"Redis is away: {redis_problem(error)[0]}"
