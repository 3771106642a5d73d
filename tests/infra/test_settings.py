"""The task sets every variable that the worker reads, and no other."""

import importlib
import json
import sys
from types import ModuleType
from typing import Any

import pytest
from cloudless.deployment import ROOT, Deployment

from infra_pulumi.environment import NOT_SET, SECRETS, SET_BY_ECS


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The worker's settings class, without what the package's ``__init__`` would load along."""
    package = ModuleType("service")
    package.__path__ = [str(ROOT / "service")]
    monkeypatch.setitem(sys.modules, "service", package)
    module = importlib.import_module("service.settings")
    yield module.Settings
    for name in [name for name in sys.modules if name.startswith("service.")]:
        monkeypatch.delitem(sys.modules, name)


def container(production: Deployment) -> dict[str, Any]:
    (only,) = json.loads(production.one("TaskDefinition").inputs["containerDefinitions"])
    return dict(only)


def test_task_sets_every_variable_that_the_worker_reads(production: Deployment, settings: Any) -> None:
    task = container(production)
    plain = {item["name"] for item in task["environment"]}
    secret = {item["name"] for item in task["secrets"]}

    read = {field.alias for field in settings.model_fields.values()}

    assert plain | secret | SET_BY_ECS | NOT_SET == read
    assert plain & secret == set()


def test_worker_accepts_the_values_that_the_task_sets(
    production: Deployment, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for item in container(production)["environment"]:
        monkeypatch.setenv(item["name"], item["value"])
    schemes = {"REDIS_URL": "redis", "DATABASE_URL": "postgresql"}
    for secret in SECRETS:
        monkeypatch.setenv(secret.variable, f"{schemes.get(secret.variable, 'https')}://invented")

    worker = settings()

    assert worker.gpu_enabled is True
    assert worker.driver == "onnx"
    assert worker.health_port == 8080
    assert worker.metrics_namespace == "FiLot"


def test_what_the_worker_hides_in_logs_is_a_secret_of_the_task(settings: Any) -> None:
    hidden = {field.alias for field in settings.model_fields.values() if "SecretStr" in str(field.annotation)}

    assert hidden - NOT_SET <= {secret.variable for secret in SECRETS}
