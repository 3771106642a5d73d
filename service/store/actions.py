"""Acts of operators: rows of `ocr_worker.actions`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg2.extras import RealDictCursor


@dataclass(frozen=True, slots=True)
class Action:
    """One act of an operator."""

    done_at: datetime
    #: User and machine.
    operator: str
    #: The command, such as ``pause``.
    action: str
    #: In the operator's words; empty where none are asked for.
    reason: str
    #: Ids of the documents that it was done to.
    documents: list[str]


def put(
    cursor: RealDictCursor, operator: str, action: str, reason: str = "", documents: Sequence[str] = ()
) -> None:
    """Insert an act."""
    cursor.execute(
        "INSERT INTO ocr_worker.actions (operator, action, reason, documents) VALUES (%s, %s, %s, %s)",
        (operator, action, reason, list(documents)),
    )


def latest(cursor: RealDictCursor, count: int) -> list[Action]:
    """Return the latest acts, the newest first."""
    cursor.execute(
        """SELECT done_at, operator, action, reason, documents FROM ocr_worker.actions
           ORDER BY done_at DESC, id DESC LIMIT %s""",
        (count,),
    )
    return [Action(**row) for row in cursor.fetchall()]


def forget_document(cursor: RealDictCursor, document_id: str) -> int:
    """Remove a document's id from all acts; return from how many."""
    cursor.execute(
        """UPDATE ocr_worker.actions SET documents = array_remove(documents, %(id)s)
           WHERE documents @> ARRAY[%(id)s]""",
        {"id": document_id},
    )
    return cursor.rowcount
