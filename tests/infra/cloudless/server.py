"""A local AWS server, and clients that validate requests against AWS' description of its API."""

import itertools
import logging
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from moto.server import ThreadedMotoServer

REGION = "ap-southeast-1"

#: The account of the stack that most tests look at.
ACCOUNT = "123456789012"


class RefusedError(Exception):
    """AWS would refuse this request."""


class Aws:
    """Clients by service name, all of one account on the local server."""

    def __init__(self, endpoint: str, account: str = ACCOUNT, region: str = REGION) -> None:
        self._endpoint, self._account, self.region = endpoint, account, region
        self._clients: dict[str, Any] = {}
        #: IAM actions of the requests.
        self.actions: set[str] = set()

    def in_region(self, region: str) -> "Aws":
        """The same account in another region."""
        return Aws(self._endpoint, self._account, region)

    def __call__(self, service: str) -> Any:
        """The client of one service."""
        if service not in self._clients:
            self._clients[service] = self._client(service)
        return self._clients[service]

    def _client(self, service: str) -> Any:
        client = boto3.client(
            service,
            region_name=self.region,
            endpoint_url=self._endpoint,
            aws_access_key_id="none",
            aws_secret_access_key="none",
        )

        def check(params: dict[str, Any], model: Any, **_: Any) -> None:
            if problems := _mistakes(model.input_shape, params, model.name):
                raise RefusedError("; ".join(problems))

        def say_who(params: dict[str, Any], model: Any, **_: Any) -> None:
            self.actions.add(f"{service}:{model.name}")
            params["headers"]["x-moto-account-id"] = self._account

        # Botocore validates names and types, but not enums, patterns and ranges.
        name = client.meta.service_model.service_id.hyphenize()
        client.meta.events.register(f"before-parameter-build.{name}", check)
        client.meta.events.register(f"before-call.{name}", say_who)
        return client


@contextmanager
def local_aws() -> Iterator[Callable[[], Aws]]:
    """Run the server; yields a function that returns a new, empty account."""
    # AWS managed policies: only an existing one can be attached.
    os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    accounts = itertools.count(int(ACCOUNT))
    try:
        yield lambda: Aws(f"http://{host}:{port}", str(next(accounts)))
    finally:
        server.stop()


def _mistakes(shape: Any, value: Any, path: str) -> list[str]:
    if shape is None:
        return []
    if shape.type_name == "structure":
        members = [(shape.members.get(key), item, f"{path}.{key}") for key, item in value.items()]
    elif shape.type_name == "list":
        members = [(shape.member, item, f"{path}[{index}]") for index, item in enumerate(value)]
    elif shape.type_name == "map":
        members = [(shape.value, item, f"{path}[{key}]") for key, item in value.items()]
    else:
        return _wrong_value(shape, value, path)
    return [mistake for member in members for mistake in _mistakes(*member)]


def _wrong_value(shape: Any, value: Any, path: str) -> list[str]:
    enum = getattr(shape, "enum", None)
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    problems = []
    if enum and value not in enum:
        problems.append(f"{path} is {value!r}, not one of {enum}")
    if shape.type_name == "string":
        size: Any = len(value)
        if (pattern := shape.metadata.get("pattern")) and not _matches(pattern, value):
            problems.append(f"{path} is {value!r}, which does not match {pattern}")
    else:
        size = value
    if isinstance(size, int | float) and not isinstance(size, bool):
        if least is not None and size < least:
            problems.append(f"{path} is {value!r}: {size} is below {least}")
        if most is not None and size > most:
            problems.append(f"{path} is {value!r}: {size} is above {most}")
    return problems


def _matches(pattern: str, value: str) -> bool:
    """The patterns are Java's; the Unicode classes in them are written otherwise in Python."""
    for java, python in (("\\p{L}", "^\\W\\d_"), ("\\p{Z}", "\\s"), ("\\p{N}", "\\d"), ("\\p{M}", "")):
        pattern = pattern.replace(java, "\\w" if python.startswith("^") else python)
    try:
        return re.search(f"^(?:{pattern})$", value) is not None
    except re.error:
        return True
