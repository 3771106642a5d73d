"""Connections to the servers that the settings name, and document ids as both servers spell them."""

import uuid
from collections.abc import Iterable
from typing import TYPE_CHECKING

from service.cli.output import EXIT_INPUT, exit_with

if TYPE_CHECKING:
    from service.queue.document_queue import DocumentQueue
    from service.store.database import Database


def open_database() -> "Database":
    """Return PostgreSQL with one connection, which is opened on first use.

    Raises:
        SettingsError: ``DATABASE_URL`` is not set or invalid.
    """
    from service.settings import current_settings, needed
    from service.store.database import Database

    return Database(needed(current_settings().database_url, "DATABASE_URL"), connections=1)


def open_document_queue() -> "DocumentQueue":
    """Return the queue in Redis, which connects on first use.

    Raises:
        SettingsError: ``REDIS_URL`` is not set or invalid.
    """
    from service.queue.document_queue import DocumentQueue, connect_redis
    from service.settings import current_settings

    settings = current_settings()
    return DocumentQueue(connect_redis(settings), settings)


def canonical_id(text: str) -> str | None:
    """Return a document id in lower case with hyphens, as both servers hold it; None when it is no UUID."""
    try:
        return str(uuid.UUID(text))
    except ValueError:
        return None


def document_id(text: str) -> str:
    """Return a document id from the command line; end the command when it is no UUID."""
    canonical = canonical_id(text)
    if canonical is None:
        exit_with(f"{text} is not a document id", EXIT_INPUT)
    return canonical


def matching_id(text: str, ids: Iterable[str]) -> str | None:
    """Return the one id of ``ids`` that is ``text`` or begins with it; None when there is none.

    Ends the command when several do.
    """
    prefix = (canonical_id(text) or text.lower()).rstrip("….")
    matches = sorted({each for each in ids if prefix and each.startswith(prefix)})
    if len(matches) > 1:
        exit_with(f"{text} is the beginning of {len(matches)} ids: {', '.join(matches[:3])}...", EXIT_INPUT)
    return matches[0] if matches else None
