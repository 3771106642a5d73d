"""Which connections are proven to end at the server that was meant: encrypted, and its certificate checked.

The clients check certificates where the URL asks for encryption. Whether it does is the operator's choice,
and PostgreSQL's default is to check nothing; so the worker says at its start what is left open.
"""

import os
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

from psycopg2.extensions import parse_dsn

from service.settings import Settings, needed
from service.store.database_url import parse_database_url

#: Hosts that no network lies between.
LOCAL = frozenset({"", "localhost", "127.0.0.1", "::1"})

#: The one of libpq's modes that checks both who signed the certificate and whom it names.
VERIFIED = "verify-full"


def insecure_connections(settings: Settings) -> Iterator[str]:
    """A sentence for each connection to another machine that could end anywhere, and how to change that."""
    redis_url = urlsplit(needed(settings.redis_url, "REDIS_URL"))
    if redis_url.hostname not in LOCAL:
        options = parse_qs(redis_url.query)
        if redis_url.scheme != "rediss":
            yield "Redis is reached without encryption: REDIS_URL should begin with rediss://"
        elif options.get("ssl_cert_reqs", ["required"]) != ["required"] or "ssl_check_hostname" in options:
            yield "REDIS_URL turns the check of Redis' certificate off"
    database = parse_dsn(parse_database_url(needed(settings.database_url, "DATABASE_URL")).dsn)
    hosts = str(database.get("host", "")).split(",")
    local = all(host in LOCAL or host.startswith("/") for host in hosts)
    if not local and database.get("sslmode", os.environ.get("PGSSLMODE")) != VERIFIED:
        yield f"PostgreSQL's certificate is not checked: DATABASE_URL should say sslmode={VERIFIED}"
    for variable, url in (
        ("CF_R2_ENDPOINT", settings.r2_endpoint),
        ("BULI2_API_URL", settings.buli2_api_url),
    ):
        parts = urlsplit(url or "")
        if parts.scheme == "http" and parts.hostname not in LOCAL:
            yield f"{variable} should begin with https://"
