"""Fixtures: a production stack on a local AWS server for all tests that only read it, and others."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cloudless.deployment import Deployment, production_config
from cloudless.engine import Engine
from cloudless.server import Aws, local_aws
from cloudless.workplace import Workplace, new_workplace

from bench.scaling import LOADS, Outcome, Policies, simulate


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


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workplace:
    """A checkout as the current folder, with stand-ins for docker, aws and pulumi."""
    place = new_workplace(tmp_path)
    monkeypatch.chdir(place.tree)
    return place


@pytest.fixture(scope="session")
def policies(server: Aws, production: Deployment) -> Policies:
    """Alarms and scaling policies of the production stack."""
    return Policies.of(server)


@pytest.fixture(scope="session")
def outcomes(policies: Policies) -> dict[str, Outcome]:
    """All simulated loads by name."""
    return {load.name: simulate(load, policies) for load in LOADS}
