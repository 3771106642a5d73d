"""The document store (Cloudflare R2), as moto's S3 server."""

import secrets
import sys

from devstack.servers.http import accepts_connections, request
from devstack.servers.sandbox import Sandbox
from devstack.servers.server import Server, ServerError

#: The bucket that is there from every start.
BUCKET = "filot-documents"


class Storage(Server):
    """An S3 server that takes any credentials. It forgets its objects when it ends."""

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__(sandbox, "storage")
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self.access_key_id = secrets.token_hex(8)
        self.secret_access_key = secrets.token_hex(16)

    def command(self) -> list[str]:
        """Moto's server, cut off from this process's modules and settings."""
        return [sys.executable, "-I", "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)]

    def answers(self) -> bool:
        """Whether it takes connections, which it does only when it can answer."""
        return accepts_connections(self.port)

    def wait_until_ready(self) -> None:
        """Wait until the launched server answers, and make the bucket."""
        super().wait_until_ready()
        status, _ = request(self.port, "PUT", f"/{BUCKET}")
        if status != 200:
            raise ServerError(f"{self.name} made no bucket: HTTP {status}")
