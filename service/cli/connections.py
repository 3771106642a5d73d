"""Connections to the servers that the settings name."""

from typing import TYPE_CHECKING

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
