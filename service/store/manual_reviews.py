"""FiLot's table `manual_reviews`: the row that the backend looks up when a reviewer's decision comes back."""

from typing import Literal, TypeAlias

import psycopg2
from psycopg2.extras import Json, RealDictCursor

from service.store.database import refusal_sentence
from service.store.documents import Document
from service.store.review_request import review_payload

#: ``pending``: the row is there and undecided. ``decided``: a person has decided. ``unusable``: there is no
#: row, because the table is missing or may not be written.
RecordState: TypeAlias = Literal["pending", "decided", "unusable"]

#: SQLSTATE classes of a table that is missing or otherwise than agreed: 42 missing, forbidden or without a
#: column; 22 and 23 with other types or constraints.
_UNUSABLE = ("22", "23", "42")


class ManualReviews:
    """Rows of `manual_reviews`, in the transaction of the caller's cursor. None is ever deleted."""

    def __init__(self) -> None:
        #: Why rows cannot be written, one sentence without row data; None while they can.
        self.problem: str | None = None

    def record(self, cursor: RealDictCursor, review_id: str, document: Document) -> RecordState:
        """Insert the row of one review, or refresh its payload while nobody has decided."""
        written = self._try(
            cursor,
            """INSERT INTO manual_reviews (id, document_id, user_id, payload, status, confidence)
               VALUES (%s, %s, %s, %s, 'pending', %s)
               ON CONFLICT (id) DO UPDATE SET payload = excluded.payload, confidence = excluded.confidence
               WHERE manual_reviews.status = 'pending'""",
            (review_id, document.id, document.user_id, Json(review_payload(document)), document.score),
        )
        if not written:
            return "unusable"
        # A conflicting row that a person has decided about is not updated.
        return "pending" if cursor.rowcount else "decided"

    def store_ticket(self, cursor: RealDictCursor, review_id: str, ticket_id: str) -> None:
        """Store the review service's ticket in the row, if there is one."""
        self._try(
            cursor,
            "UPDATE manual_reviews SET buli2_task_id = %s WHERE id = %s",
            (ticket_id, review_id),
        )

    def count(self, cursor: RealDictCursor, document_id: str) -> int:
        """Count the rows of a document; 0 where the table cannot be read."""
        readable = self._try(
            cursor, "SELECT count(*) AS rows FROM manual_reviews WHERE document_id = %s", (document_id,)
        )
        row = cursor.fetchone() if readable else None
        return int(row["rows"]) if row else 0

    def _try(self, cursor: RealDictCursor, statement: str, values: tuple[object, ...]) -> bool:
        """Run a statement that may fail without failing the caller's transaction."""
        cursor.execute("SAVEPOINT manual_review")
        try:
            cursor.execute(statement, values)
        except psycopg2.Error as error:
            if (error.pgcode or "")[:2] not in _UNUSABLE:
                raise
            cursor.execute("ROLLBACK TO SAVEPOINT manual_review")
            self.problem = refusal_sentence(error)
            return False
        # The savepoint ends with the transaction; releasing it here would overwrite `cursor.rowcount`.
        self.problem = None
        return True
