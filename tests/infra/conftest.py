"""A production stack on a local AWS server, made once for all tests that only look at it."""

from collections.abc import Callable, Iterator

import pytest
from cloudless.deployment import Deployment, production_config
from cloudless.engine import Engine
from cloudless.server import Aws, local_aws


@pytest.fixture(scope="session")
def accounts() -> Iterator[Callable[[], Aws]]:
    """Makes empty AWS accounts."""
    with local_aws() as new_account:
        yield new_account


@pytest.fixture(scope="session")
def server(accounts: Callable[[], Aws]) -> Aws:
    """The account of the session's production stack."""
    return accounts()


@pytest.fixture(scope="session")
def config(server: Aws) -> dict[str, str]:
    """The production stack's configuration."""
    return production_config(server)


@pytest.fixture(scope="session")
def production(server: Aws, config: dict[str, str]) -> Deployment:
    """The production stack after its first update."""
    deployment = Deployment(server)
    deployment.up(config)
    return deployment


@pytest.fixture(scope="session")
def first_preview(accounts: Callable[[], Aws]) -> tuple[Aws, Engine]:
    """An account in which nothing exists, and what a preview there says."""
    aws = accounts()
    config = {**production_config(aws), "filot:alarm-emails": "[]"}
    return aws, Deployment(aws).up(config, preview=True)


@pytest.fixture
def empty_aws(server: Aws, accounts: Callable[[], Aws]) -> Aws:
    """An account of the test's own; the production stack's is the first."""
    return accounts()
