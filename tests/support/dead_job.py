"""A dead job, as a worker leaves it."""

from devstack.backend import FilotBackend
from service.store import dead_letters
from service.store.database import Database


def bury(backend: FilotBackend, environment: dict[str, str]) -> str:
    """A document that failed for good, as the worker leaves it."""
    document_id = backend.add_document(b"picture")
    backend.execute("UPDATE documents SET status = 'failed' WHERE id = %s", document_id)
    with Database(environment["DATABASE_URL"], 1).transaction() as cursor:
        dead_letters.put(cursor, document_id, document_id, 3, "EngineError")
    return document_id
