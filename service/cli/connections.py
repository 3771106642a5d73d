"""What commands work on: the queue and the database that the settings name, and ids as both spell them."""

import uuid
from typing import TYPE_CHECKING

from service.cli.output import EXIT_INPUT, give_up

if TYPE_CHECKING:
    from service.queue.document_queue import DocumentQueue
    from service.store.database import Database


def open_database() -> "Database":
    """One connection to PostgreSQL, opened on first use.

    Raises:
        SettingsError: ``DATABASE_URL`` cannot be used.
    """
    from service.settings import current_settings, needed
    from service.store.database import Database

    return Database(needed(current_settings().database_url, "DATABASE_URL"), connections=1)


def open_ledger() -> "DocumentQueue":
    """The queue in Redis, connected on first use.

    Raises:
        SettingsError: ``REDIS_URL`` cannot be used.
    """
    from service.queue.document_queue import DocumentQueue, connect_redis
    from service.settings import current_settings

    settings = current_settings()
    return DocumentQueue(connect_redis(settings), settings)


def spelt_as_stored(text: str) -> str | None:
    """A document id as PostgreSQL and the backend spell it: lower case, with hyphens. None: it is no UUID."""
    try:
        return str(uuid.UUID(text))
    except ValueError:
        return None


def document_id(text: str) -> str:
    """A document id that was typed; ends the command when it cannot be one."""
    spelt = spelt_as_stored(text)
    if spelt is None:
        give_up(f"{text} is no document id", EXIT_INPUT)
    return spelt
