"""The rights that we need in PostgreSQL: a server that can be written to, and each table and column."""

from psycopg2.extras import RealDictCursor

_TEXT = frozenset({"varchar", "text", "bpchar"})
_TIME = frozenset({"timestamp", "timestamptz"})

#: Columns of `documents` that are read or written, and PostgreSQL's names of the types that fit.
COLUMNS = {
    "id": frozenset({"uuid"}),
    "user_id": frozenset({"uuid"}),
    "type": _TEXT,
    "file_url": _TEXT,
    "status": frozenset({"document_status"}),
    "verification_status": _TEXT,
    "ai_score": frozenset({"int2", "int4", "int8"}),
    "ai_decision": _TEXT,
    "buli2_ticket_id": _TEXT,
    "result_json": frozenset({"jsonb", "json"}),
    "ocr_text": _TEXT,
    "created_at": _TIME,
    "processed_at": _TIME,
}

#: Those that a result changes.
WRITTEN = frozenset(
    {
        *("status", "ocr_text", "result_json", "ai_score", "ai_decision"),
        *("verification_status", "processed_at", "buli2_ticket_id"),
    }
)

#: The sentences for a server that cannot be written to.
STANDBY = "it is a read-only standby (after a failover, DATABASE_URL may lead to the old primary)"
READ_ONLY = "it is read-only (default_transaction_read_only is on for this user, database or server)"


def find_obstacles(cursor: RealDictCursor) -> list[str]:
    """List what keeps us from reading or writing the tables, one sentence without subject each.

    Asks the catalogue only, with one query. A table that is missing is named as well.
    """
    cursor.execute(
        """SELECT pg_is_in_recovery() AS standby,
                  current_setting('default_transaction_read_only')::bool AS read_only,
                  to_regclass('documents') IS NULL AS missing,
                  ARRAY(SELECT attname::text FROM pg_attribute
                        WHERE attrelid = to_regclass('documents') AND attname = ANY(%(read)s)
                            AND NOT has_column_privilege(attrelid, attnum, 'SELECT')
                        ORDER BY attname) AS unreadable,
                  ARRAY(SELECT attname::text FROM pg_attribute
                        WHERE attrelid = to_regclass('documents') AND attname = ANY(%(written)s)
                            AND NOT has_column_privilege(attrelid, attnum, 'UPDATE')
                        ORDER BY attname) AS unwritable,
                  ARRAY(SELECT privilege || ' on ocr_worker.' || relname
                        FROM pg_class, unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS privilege
                        WHERE relnamespace = to_regnamespace('ocr_worker') AND relkind = 'r'
                            AND relname <> 'migrations'
                            AND NOT has_table_privilege(pg_class.oid, privilege)
                        ORDER BY relname, privilege) AS refused""",
        {"read": list(COLUMNS), "written": list(WRITTEN)},
    )
    (found,) = cursor.fetchall()
    obstacles = [STANDBY] if found["standby"] else [READ_ONLY] if found["read_only"] else []
    if found["missing"]:
        obstacles.append("the table documents is missing or not on the search_path")
    if found["unreadable"]:
        obstacles.append(f"our user lacks SELECT on documents ({', '.join(found['unreadable'])})")
    if found["unwritable"]:
        obstacles.append(f"our user lacks UPDATE on documents ({', '.join(found['unwritable'])})")
    if found["refused"]:
        obstacles.append(f"our user lacks {', '.join(found['refused'])}")
    return obstacles
