"""Connections to the servers that the settings name."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import redis

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


def open_redis() -> "redis.Redis":
    """Return Redis, which is connected to on first use.

    Raises:
        SettingsError: ``REDIS_URL`` is not set or invalid.
    """
    from service.queue.document_queue import connect_redis
    from service.settings import current_settings

    return connect_redis(current_settings())


def open_document_queue() -> "DocumentQueue":
    """Return the queue as the workers see it: with the backend's CPU list where any of them takes from it.

    Raises:
        SettingsError: ``REDIS_URL`` is not set or invalid.
        redis.RedisError: Redis is away.
    """
    from service.monitoring.heartbeat import worker_states
    from service.queue.document_queue import DocumentQueue
    from service.settings import current_settings

    client, settings = open_redis(), current_settings()
    # The setting may be missing in an operator's shell, and it decides where documents are looked for.
    if not settings.claim_cpu_queue and any(state.claims_cpu_queue for state in worker_states(client)):
        settings = settings.model_copy(update={"claim_cpu_queue": True})
    return DocumentQueue(client, settings)
