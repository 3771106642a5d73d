"""FiLot's tables for the demo and the tests; in a deployment the backend's migrations create them."""

from contextlib import closing
from pathlib import Path

import psycopg2

_SCHEMA = Path(__file__).parent / "filot_schema.sql"


def create_filot_tables(database_url: str) -> None:
    """Create FiLot's tables in an empty database."""
    with closing(psycopg2.connect(database_url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(_SCHEMA.read_text())
