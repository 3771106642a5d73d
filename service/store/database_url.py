"""Translates `DATABASE_URL` for libpq: parameters that other clients put there are understood or refused."""

from dataclasses import dataclass
from urllib.parse import quote, unquote, urlencode, urlsplit

import psycopg2
from psycopg2.extensions import parse_dsn

from service.errors import SettingsError

#: Parameters for clients that prepare statements or for a pooler's own routing; they mean nothing to this
#: service.
_WITHOUT_MEANING = frozenset({"pgbouncer", "statement_cache_size", "prepare", "uselibpqcompat", "supa"})

#: Parameter values of other clients, and the libpq parameter that says the same. Both accept any certificate.
_TRANSLATED = {
    ("sslmode", "no-verify"): ("sslmode", "require"),
    ("sslaccept", "accept_invalid_certs"): ("sslmode", "require"),
}


_MALFORMED = "DATABASE_URL cannot be used: percent-encode the special characters of its user and password"

_SSL_MODES = frozenset({"disable", "allow", "prefer", "require", "verify-ca", "verify-full"})


@dataclass(frozen=True, slots=True)
class DatabaseUrl:
    """Connection parameters out of a `DATABASE_URL`."""

    #: URL with nothing but libpq parameters.
    dsn: str
    #: Schema of FiLot's tables where the URL names one (`schema=`); None: the server's own `search_path`.
    schema: str | None = None
    #: Upper bound on connections of this process (`connection_limit=`); None: no bound.
    connection_limit: int | None = None
    #: Seconds to wait for a free connection (`pool_timeout=`); None: the service's default.
    pool_timeout: float | None = None


def parse_database_url(url: str) -> DatabaseUrl:
    """Split a URL into what libpq knows and what this service does itself.

    Raises:
        SettingsError: a parameter or the URL cannot be used; the message names the parameter, never the
        password.
    """
    address = urlsplit(url)
    query = [_decode(pair) for pair in address.query.split("&") if pair]
    kept: dict[str, str] = {}
    own: dict[str, str] = {}
    for name, value in query:
        if name in ("schema", "connection_limit", "pool_timeout"):
            own[name] = value
        elif (name, value) in _TRANSLATED:
            kept.update([_TRANSLATED[name, value]])
        elif name not in _WITHOUT_MEANING:
            _require_libpq_parameter(name, value)
            kept.setdefault(name, value)
    dsn = address._replace(query=urlencode(kept, quote_via=quote)).geturl()
    try:
        parse_dsn(dsn)
    except psycopg2.Error:
        raise SettingsError(_MALFORMED) from None
    limit, timeout = _number(own, "connection_limit"), _number(own, "pool_timeout")
    return DatabaseUrl(
        dsn=dsn,
        schema=own.get("schema") or None,
        connection_limit=limit or None,
        pool_timeout=float(timeout) if timeout else None,
    )


def _decode(pair: str) -> tuple[str, str]:
    """Percent-decode one `name=value`; unlike in HTML forms, `+` stands for itself (as in libpq)."""
    name, _, value = pair.partition("=")
    return unquote(name), unquote(value)


def _require_libpq_parameter(name: str, value: str) -> None:
    if name == "sslmode" and value not in _SSL_MODES:
        raise SettingsError(
            f"DATABASE_URL cannot be used: sslmode should be one of {', '.join(sorted(_SSL_MODES))}"
        )
    # libpq knows `ssl` in URLs alone, with this one value.
    probe = {name: "true"} if name == "ssl" and value == "true" else {name: ""}
    try:
        parse_dsn(f"postgresql://host/?{urlencode(probe)}")
    except psycopg2.Error:
        raise SettingsError(
            f"DATABASE_URL cannot be used: libpq has no parameter {name!r} (with this value); remove it"
        ) from None


def _number(parameters: dict[str, str], name: str) -> int | None:
    value = parameters.get(name)
    if value is None:
        return None
    if not value.isdecimal():
        raise SettingsError(f"DATABASE_URL cannot be used: {name} should be a whole number")
    return int(value)
