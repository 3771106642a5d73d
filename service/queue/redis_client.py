"""The Redis client: options of ``REDIS_URL``, and reconnecting when a server is not the primary any more."""

import socket
from typing import Any
from urllib.parse import SplitResult, parse_qsl, urlsplit, urlunsplit

import redis
from redis.backoff import NoBackoff
from redis.exceptions import BusyLoadingError, MasterDownError, ReadOnlyError
from redis.retry import Retry

from service.errors import SettingsError
from service.settings import Settings, needed

#: s that a Redis command may take beyond the time that it is asked to wait.
SOCKET_TIMEOUT = 5.0

SWITCH = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}

#: Parameters of a URL that have few values: the option of redis-py that each becomes, with its values.
CHOICES: dict[str, tuple[str, dict[str, Any]]] = {
    # redis-py passes its `socket_type` to getaddrinfo as the address family.
    "family": ("socket_type", {"0": socket.AF_UNSPEC, "4": socket.AF_INET, "6": socket.AF_INET6}),
    "ssl_cert_reqs": (
        "ssl_cert_reqs",
        {prefix + name: name for prefix in ("", "cert_") for name in ("none", "optional", "required")},
    ),
    "ssl_check_hostname": ("ssl_check_hostname", SWITCH),
}

#: Parameters that are passed on as they stand, and those that change the URL.
PASSED_ON = ("client_name", "ssl_ca_certs", "ssl_ca_path", "ssl_certfile", "ssl_keyfile")
IN_THE_URL = ("db", "tls")


def connect_redis(settings: Settings) -> redis.Redis:
    """A client that never repeats a command by itself: whether a repeat is safe is the caller's decision.

    Text that is not UTF-8 is decoded with replacement characters. A password in the URL wins over
    ``REDIS_PASSWORD``, as it does in the backend's client.

    Raises:
        SettingsError: ``REDIS_URL`` is not set, or has a parameter that cannot be used.
    """
    url, options = parse_redis_url(needed(settings.redis_url, "REDIS_URL"))
    password = settings.redis_password
    pool = PrimaryPool.from_url(
        url,
        connection_class=PrimarySSLConnection if url.startswith("rediss:") else PrimaryConnection,
        password=password.get_secret_value() if password else None,
        decode_responses=True,
        encoding_errors="replace",
        socket_connect_timeout=SOCKET_TIMEOUT,
        socket_timeout=settings.poll_interval + SOCKET_TIMEOUT,
        health_check_interval=30,
        retry=Retry(NoBackoff(), 0),
        **options,
    )
    return redis.Redis.from_pool(pool)


def parse_redis_url(url: str) -> tuple[str, dict[str, Any]]:
    """Split a URL into one without parameters and the connection's options.

    The parameters of other clients (``family``, ``tls``, ``ssl_cert_reqs=CERT_NONE``) are translated.

    Raises:
        SettingsError: a parameter is unknown, or its value cannot be used.
    """
    parts = urlsplit(url)
    options: dict[str, Any] = {}
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        if name in IN_THE_URL:
            parts = _changed(parts, name, value)
        elif name in CHOICES:
            option, choices = CHOICES[name]
            options[option] = _choice(name, value, choices)
        elif name in PASSED_ON:
            options[name] = value
        else:
            known = ", ".join(sorted((*IN_THE_URL, *CHOICES, *PASSED_ON)))
            raise SettingsError(f"REDIS_URL's parameter {name} is unknown; known are {known}")
    if parts.scheme != "rediss" and (of_tls := sorted(name for name in options if name.startswith("ssl_"))):
        raise SettingsError(f"REDIS_URL's parameter {of_tls[0]} needs a URL that begins with rediss://")
    return urlunsplit(parts._replace(query="")), options


def _changed(parts: SplitResult, name: str, value: str) -> SplitResult:
    if name == "db":
        if not value.isdecimal():
            raise SettingsError("REDIS_URL's parameter db should be a number")
        return parts._replace(path=f"/{value}")
    encrypted = _choice(name, value, SWITCH)
    if not encrypted and parts.scheme == "rediss":
        raise SettingsError("REDIS_URL begins with rediss:// and says tls=false: remove one of them")
    return parts._replace(scheme="rediss" if encrypted else "redis")


def _choice(name: str, value: str, choices: dict[str, Any]) -> Any:
    if value.lower() not in choices:
        raise SettingsError(f"REDIS_URL's parameter {name} should be one of {', '.join(choices)}")
    return choices[value.lower()]


def is_demoted(error: Exception) -> bool:
    """Whether an answer says that the server is not the primary, or not yet."""
    # A command that blocks is ended so when its server becomes a replica.
    unblocked = isinstance(error, redis.ResponseError) and str(error).startswith("UNBLOCKED")
    return unblocked or isinstance(error, ReadOnlyError | BusyLoadingError | MasterDownError)


class PrimaryConnection(redis.Connection):
    """A connection that tells its pool when the server turns out not to be the primary."""

    #: Set by the pool that made it.
    pool: "PrimaryPool"

    def read_response(self, *args: Any, **options: Any) -> Any:
        """Read one answer."""
        try:
            return super().read_response(*args, **options)
        except redis.RedisError as error:
            if is_demoted(error):
                self.pool.drop_connections()
            raise


class PrimarySSLConnection(redis.SSLConnection, PrimaryConnection):
    """A connection through TLS that does the same."""


class PrimaryPool(redis.ConnectionPool):
    """A pool that reconnects everywhere as soon as one connection meets a server that is not the primary.

    After a failover the host's name leads to the new primary, but open connections stay with the old one,
    where PUBLISH succeeds and nobody receives it.
    """

    def make_connection(self) -> Any:
        """Make a connection that knows its pool."""
        connection: Any = super().make_connection()
        connection.pool = self
        return connection

    def drop_connections(self) -> None:
        """Close the idle connections now, and those in use when they are given back."""
        with self._lock:
            for connection in self._in_use_connections:
                connection.mark_for_reconnect()
        self.disconnect(inuse_connections=False)
