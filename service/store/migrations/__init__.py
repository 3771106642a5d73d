"""Numbered SQL migrations of the schema `ocr_worker`, applied once each. FiLot's tables are not touched."""

from pathlib import Path

from psycopg2.extras import RealDictCursor

#: Key of the advisory lock that serialises migrations of all processes.
LOCK_KEY = 0x0C2_F110

_TABLE = """CREATE TABLE IF NOT EXISTS ocr_worker.migrations (
    number integer PRIMARY KEY,
    name text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)"""


def migration_files() -> dict[int, Path]:
    """The SQL files by number, in order."""
    files = sorted(Path(__file__).parent.glob("[0-9]*.sql"))
    return {int(file.name.partition("_")[0]): file for file in files}


def apply_migrations(cursor: RealDictCursor) -> list[int]:
    """Apply the missing migrations in the cursor's transaction; return their numbers.

    An up-to-date schema is only read: no lock is taken and no right to create anything is needed. The lock
    ends with the transaction, so a transaction pooler can stand between.

    Raises:
        psycopg2.Error: a statement was refused; the caller's rollback undoes all of them.
    """
    if not _missing(cursor):
        return []
    cursor.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK_KEY,))
    # Another process may have applied them while this one waited for the lock.
    missing = _missing(cursor)
    for number, file in missing.items():
        cursor.execute(file.read_text())
        # The first migration creates the schema that this table is in.
        cursor.execute(_TABLE)
        cursor.execute(
            "INSERT INTO ocr_worker.migrations (number, name) VALUES (%s, %s)", (number, file.stem)
        )
    return list(missing)


def _missing(cursor: RealDictCursor) -> dict[int, Path]:
    # A query of the catalogue, unlike `to_regclass`, sees what others committed since the transaction began.
    cursor.execute("SELECT 1 FROM pg_tables WHERE schemaname = 'ocr_worker' AND tablename = 'migrations'")
    applied: set[int] = set()
    if cursor.fetchone():
        cursor.execute("SELECT number FROM ocr_worker.migrations")
        applied = {row["number"] for row in cursor.fetchall()}
    return {number: file for number, file in migration_files().items() if number not in applied}
