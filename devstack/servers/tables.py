"""FiLot's tables, which the backend's migrations make where the service is deployed."""

from contextlib import closing
from pathlib import Path

import psycopg2

_SCHEMA = Path(__file__).parent / "filot_schema.sql"


def create_filot_tables(database_url: str) -> None:
    """Make FiLot's tables in an empty database."""
    with closing(psycopg2.connect(database_url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(_SCHEMA.read_text())
