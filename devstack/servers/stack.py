"""All the servers that the worker needs, started and ended together."""

import os
import shlex
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from devstack.backend import FilotBackend
from devstack.callbacks import serve_callbacks
from devstack.servers.postgres import Postgres
from devstack.servers.reviews import Reviews
from devstack.servers.sandbox import Sandbox, open_sandbox
from devstack.servers.storage import BUCKET, Storage
from devstack.servers.tables import create_filot_tables
from devstack.servers.valkey import Valkey


@dataclass(frozen=True, slots=True)
class FilotStack:
    """Running servers; each can be stopped, killed and started again on its own."""

    valkey: Valkey
    postgres: Postgres
    storage: Storage
    reviews: Reviews
    #: Their sandbox, for further ports and processes that shall end with them.
    sandbox: Sandbox

    def environment(self) -> dict[str, str]:
        """The worker's variables that lead to these servers."""
        return {
            "REDIS_URL": self.valkey.url,
            "DATABASE_URL": self.postgres.url,
            "CF_R2_ENDPOINT": self.storage.endpoint,
            "CF_R2_ACCESS_KEY_ID": self.storage.access_key_id,
            "CF_R2_SECRET_ACCESS_KEY": self.storage.secret_access_key,
            "CF_R2_BUCKET_NAME": BUCKET,
            "BULI2_API_URL": self.reviews.url,
            "BULI2_API_KEY": self.reviews.api_key,
            # Nothing of this is behind the proxy that a developer's machine may be told to use.
            "no_proxy": ",".join(filter(None, ["127.0.0.1", os.environ.get("no_proxy")])),
        }


@contextmanager
def filot_stack(*, durable: bool = False) -> Iterator[FilotStack]:
    """Start all servers, with FiLot's tables and bucket, and end them with the context.

    Args:
        durable: Redis too keeps its data through `kill` and `start`, and PostgreSQL through a power cut.

    Raises:
        ServerError: one of them does not start.
    """
    with open_sandbox() as sandbox:
        stack = FilotStack(
            valkey=Valkey(sandbox, append_only=durable),
            postgres=Postgres(sandbox, fsync=durable),
            storage=Storage(sandbox),
            reviews=Reviews(sandbox),
            sandbox=sandbox,
        )
        # The slowest first: they start side by side.
        servers = (stack.storage, stack.reviews, stack.valkey, stack.postgres)
        for server in servers:
            server.launch()
        for server in servers:
            server.wait_until_ready()
        create_filot_tables(stack.postgres.url)
        yield stack


def serve_until_interrupted() -> None:
    """Start all servers, print their variables as `export` lines, and keep them until Ctrl-C or SIGTERM.

    The backend's route that takes decisions is served, too.

    Raises:
        ServerError: one of them does not start.
    """
    interrupted = threading.Event()
    before = {
        number: signal.signal(number, lambda *_: interrupted.set())
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        with (
            filot_stack() as stack,
            FilotBackend(stack.environment()) as backend,
            serve_callbacks(backend) as callback_url,
        ):
            more = {"BULI2_CALLBACK_URL": callback_url, "OCR_GPU_DRIVER": "onnx"}
            for name, value in {**stack.environment(), **more}.items():
                sys.stdout.write(f"export {name}={shlex.quote(value)}\n")
            sys.stdout.write("# Ctrl-C ends these servers.\n")
            sys.stdout.flush()
            interrupted.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
