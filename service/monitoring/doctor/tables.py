"""FiLot's tables and ours: columns, types and rights, as PostgreSQL's catalogue holds them."""

from collections.abc import Iterator

import psycopg2
from psycopg2.extras import RealDictCursor

from service.errors import SettingsError
from service.monitoring.access_rights import COLUMNS, WRITTEN, find_obstacles
from service.monitoring.doctor.check_result import CheckResult, fail, passed, warn
from service.monitoring.doctor.postgres import connect
from service.settings import Settings

STATUSES = frozenset({"uploaded", "processing", "completed", "failed"})

#: Columns of `manual_reviews` that are written.
REVIEW_COLUMNS = ("id", "document_id", "user_id", "payload", "status", "confidence", "buli2_task_id")

#: Our own tables, all in the schema ``ocr_worker``.
OWN_TABLES = ("claims", "outbox", "dead", "endings", "actions", "migrations")


def check_tables(settings: Settings) -> Iterator[CheckResult]:
    """Check FiLot's tables, then our own schema. The check of PostgreSQL reports why it cannot be asked."""
    try:
        with connect(settings) as cursor:
            results = [_filot_table(cursor), _manual_reviews(cursor), _own_schema(cursor)]
    except (psycopg2.Error, SettingsError):
        yield warn("tables", "not checked: PostgreSQL could not be asked", "fix the line `postgresql`")
        return
    yield from results


def _filot_table(cursor: RealDictCursor) -> CheckResult:
    name = "table documents"
    cursor.execute(
        """SELECT attname AS name, typname AS type,
                  has_column_privilege(attrelid, attnum, 'SELECT') AS readable,
                  has_column_privilege(attrelid, attnum, 'UPDATE') AS writable
           FROM pg_attribute JOIN pg_type ON pg_type.oid = atttypid
           WHERE attrelid = to_regclass('documents') AND attnum > 0 AND NOT attisdropped"""
    )
    columns = {row["name"]: row for row in cursor.fetchall()}
    if not columns:
        return fail(
            name, "it is missing", "check the database and its search_path; FiLot's migrations create it"
        )
    missing = [column for column in COLUMNS if column not in columns]
    if missing:
        return fail(name, f"it lacks the columns {', '.join(missing)}", "run FiLot's migrations")
    unfit = [
        f"{column} {columns[column]['type']}"
        for column in COLUMNS
        if columns[column]["type"] not in COLUMNS[column]
    ]
    if unfit:
        return fail(
            name, f"columns have other types than agreed: {', '.join(unfit)}", "run FiLot's migrations"
        )
    cursor.execute("SELECT enumlabel FROM pg_enum WHERE enumtypid = to_regtype('document_status')")
    unknown = STATUSES - {row["enumlabel"] for row in cursor.fetchall()}
    if unknown:
        return fail(
            name, f"its status lacks the values {', '.join(sorted(unknown))}", "run FiLot's migrations"
        )
    closed = [
        c for c in COLUMNS if not columns[c]["readable"] or (c in WRITTEN and not columns[c]["writable"])
    ]
    if closed:
        return fail(
            name,
            f"our user lacks SELECT or UPDATE on {', '.join(closed)}",
            "as its owner: GRANT SELECT, UPDATE ON documents TO the user of DATABASE_URL",
        )
    return passed(name, f"all {len(COLUMNS)} columns, with the rights to read and update them")


def _manual_reviews(cursor: RealDictCursor) -> CheckResult:
    """Check the table that leads a reviewer's decision back; reviews are requested without it, too."""
    name = "table manual_reviews"
    cursor.execute(
        """SELECT attname::text AS name FROM pg_attribute
           WHERE attrelid = to_regclass('manual_reviews') AND attnum > 0 AND NOT attisdropped"""
    )
    columns = {row["name"] for row in cursor.fetchall()}
    missing = [column for column in REVIEW_COLUMNS if column not in columns]
    if missing:
        lacks = "it is missing" if not columns else f"it lacks the columns {', '.join(missing)}"
        return warn(name, f"{lacks}: a reviewer's decision is lost", "run FiLot's migrations")
    cursor.execute(
        """SELECT privilege FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE']) AS privilege
           WHERE NOT has_table_privilege(to_regclass('manual_reviews'), privilege)"""
    )
    refused = ", ".join(row["privilege"] for row in cursor.fetchall())
    if refused:
        return warn(
            name,
            f"our user lacks {refused}: a reviewer's decision is lost",
            "as its owner: GRANT SELECT, INSERT, UPDATE ON manual_reviews TO the user of DATABASE_URL",
        )
    return passed(name, "every column, with the rights to read, insert and update")


def _own_schema(cursor: RealDictCursor) -> CheckResult:
    name = "schema ocr_worker"
    cursor.execute(
        """SELECT has_database_privilege(current_database(), 'CREATE') AS may_create,
                  to_regnamespace('ocr_worker') IS NOT NULL AS is_there"""
    )
    (schema,) = cursor.fetchall()
    if not schema["is_there"] and not schema["may_create"]:
        return fail(
            name,
            "it is missing, and our user may not create it",
            "as the database's owner: GRANT CREATE ON DATABASE ... TO the user of DATABASE_URL",
        )
    if not schema["is_there"]:
        return warn(name, "not created yet", "start a worker: it creates the schema")
    cursor.execute(
        """SELECT relname AS name, pg_has_role(relowner, 'USAGE') AS ours FROM pg_class
           WHERE relnamespace = to_regnamespace('ocr_worker') AND relname = ANY(%s)""",
        (list(OWN_TABLES),),
    )
    tables = {row["name"]: row["ours"] for row in cursor.fetchall()}
    foreign = [table for table in OWN_TABLES if not tables.get(table, True)]
    if foreign:
        return fail(
            name,
            f"another user owns {', '.join(foreign)}",
            "as that user: ALTER TABLE ocr_worker.... OWNER TO the user of DATABASE_URL",
        )
    refused = [each for each in find_obstacles(cursor) if " on ocr_worker." in each]
    if refused:
        return fail(
            name,
            refused[0],
            "as the owner: GRANT ALL ON ALL TABLES IN SCHEMA ocr_worker TO the user of DATABASE_URL",
        )
    missing = [table for table in OWN_TABLES if table not in tables]
    if missing:
        return warn(name, f"it lacks {', '.join(missing)}", "start a worker: it creates them")
    return passed(name, f"{', '.join(OWN_TABLES)}, with every right")
