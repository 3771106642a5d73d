"""Settings as a test wants them, on the test's servers, and a database of its own."""

import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import urlsplit

import psycopg2
import pytest

from devstack.servers import FilotStack
from devstack.servers.tables import create_filot_tables
from service.settings import Settings

SettingsMaker = Callable[..., Settings]


@pytest.fixture
def settings_with(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> SettingsMaker:
    def make(**changes: str) -> Settings:
        for name, value in {**environment, **changes}.items():
            monkeypatch.setenv(name, value)
        return Settings()

    return make


def execute(url: str, *statements: str) -> None:
    with closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)


@pytest.fixture
def url(stack: FilotStack) -> Iterator[str]:
    """A database of its own with FiLot's tables, to be spoilt."""
    name = f"spoilt_{uuid.uuid4().hex}"
    execute(stack.postgres.url, f"CREATE DATABASE {name}")
    url = urlsplit(stack.postgres.url)._replace(path=f"/{name}").geturl()
    create_filot_tables(url)
    yield url
    execute(stack.postgres.url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def poor_url(url: str, stack: FilotStack) -> Iterator[str]:
    """The same for a user who may do nothing yet: `poor`, whose password is `secret`."""
    execute(url, "CREATE ROLE poor LOGIN PASSWORD 'secret'")
    parts = urlsplit(url)
    yield parts._replace(netloc=f"poor:secret@{parts.hostname}:{parts.port}").geturl()
    execute(url, "DROP OWNED BY poor CASCADE", "DROP ROLE poor")


@contextmanager
def answering(status: int) -> Iterator[str]:
    """A web server that answers everything with one status."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            """Be silent."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
