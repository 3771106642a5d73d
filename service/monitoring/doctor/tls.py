"""Finds connections to other machines that are not encrypted, or whose certificate is not verified.

Clients verify certificates where the URL asks for encryption. Whether it does is the operator's choice, and
PostgreSQL's default is not to verify; so the worker logs at its start what is insecure.
"""

import os
from collections.abc import Iterator
from urllib.parse import urlsplit

from psycopg2.extensions import parse_dsn

from service.queue.redis_client import parse_redis_url
from service.settings import Settings, needed
from service.store.database_url import parse_database_url

#: Hosts that are this machine.
LOCAL = frozenset({"", "localhost", "127.0.0.1", "::1"})

#: The mode of libpq that verifies both the signature of the certificate and the host name in it.
VERIFIED = "verify-full"


def insecure_connections(settings: Settings) -> Iterator[str]:
    """Yield a sentence for each insecure connection to another machine, and how to secure it."""
    redis_url, options = parse_redis_url(needed(settings.redis_url, "REDIS_URL"))
    if urlsplit(redis_url).hostname not in LOCAL:
        if not redis_url.startswith("rediss://"):
            yield "Redis is connected to without encryption: REDIS_URL should begin with rediss://"
        elif options.get("ssl_cert_reqs", "required") != "required" or not options.get(
            "ssl_check_hostname", True
        ):
            yield "REDIS_URL turns the verification of Redis' certificate off"
    database = parse_dsn(parse_database_url(needed(settings.database_url, "DATABASE_URL")).dsn)
    hosts = str(database.get("host", "")).split(",")
    local = all(host in LOCAL or host.startswith("/") for host in hosts)
    if not local and database.get("sslmode", os.environ.get("PGSSLMODE")) != VERIFIED:
        yield f"PostgreSQL's certificate is not verified: add sslmode={VERIFIED} to DATABASE_URL"
    for variable, url in (
        ("CF_R2_ENDPOINT", settings.r2_endpoint),
        ("BULI2_API_URL", settings.buli2_api_url),
    ):
        parts = urlsplit(url or "")
        if parts.scheme == "http" and parts.hostname not in LOCAL:
            yield f"{variable} should begin with https://"
