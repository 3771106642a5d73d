"""What `doctor` reports of Redis, on a real one that is misconfigured."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from devstack.backend import QUEUE, FilotBackend
from devstack.servers import FilotStack
from devstack.servers.sandbox import open_sandbox
from devstack.servers.valkey import Valkey
from service.monitoring.doctor.check_result import CheckResult
from service.monitoring.doctor.redis_server import check_redis
from tests.integration.monitoring.doctor.conftest import SettingsMaker
from tests.integration.monitoring.doctor.test_tls import Impostor

#: What some tests change; put back after each.
DEFAULTS = {"maxmemory-policy": "noeviction", "maxmemory": "0", "appendonly": "no"}


@pytest.fixture(autouse=True)
def as_before(backend: FilotBackend) -> Iterator[None]:
    yield
    backend.redis.replicaof("NO", "ONE")
    for name, value in DEFAULTS.items():
        backend.redis.config_set(name, value)


def by_name(results: Iterator[CheckResult]) -> dict[str, CheckResult]:
    return {result.check: result for result in results}


def test_a_sound_redis_has_no_red_line(settings_with: SettingsMaker, backend: FilotBackend) -> None:
    backend.push("card")

    found = by_name(check_redis(settings_with()))

    assert {result.level for result in found.values()} <= {"green", "yellow"}
    assert found["redis eviction"].says == "noeviction"
    assert found["redis role"].level == "green"
    assert found["redis keys"].level == "green"


def test_eviction_of_queued_documents_is_red(settings_with: SettingsMaker, backend: FilotBackend) -> None:
    backend.redis.config_set("maxmemory-policy", "allkeys-lru")

    found = by_name(check_redis(settings_with()))["redis eviction"]

    assert (found.level, found.says) == ("red", "allkeys-lru")
    assert "noeviction" in found.advice


def test_memory_that_is_nearly_full_is_yellow(settings_with: SettingsMaker, backend: FilotBackend) -> None:
    backend.redis.config_set("maxmemory", int(backend.redis.info("memory")["used_memory"] * 1.02))

    assert by_name(check_redis(settings_with()))["redis memory"].level == "yellow"


def test_persistence_is_yellow_without_and_green_with(
    settings_with: SettingsMaker, backend: FilotBackend
) -> None:
    without = by_name(check_redis(settings_with()))["redis persistence"]
    backend.redis.config_set("appendonly", "yes")
    with_file = by_name(check_redis(settings_with()))["redis persistence"]

    assert (without.level, with_file.level) == ("yellow", "green")


def test_a_replica_is_red(settings_with: SettingsMaker, backend: FilotBackend) -> None:
    backend.redis.replicaof("127.0.0.1", 1)

    found = by_name(check_redis(settings_with()))["redis role"]

    assert found.level == "red"
    assert "primary" in found.advice


def test_a_name_that_something_else_uses_is_red(settings_with: SettingsMaker, backend: FilotBackend) -> None:
    backend.redis.set(QUEUE, "a string")

    found = by_name(check_redis(settings_with()))["redis keys"]

    assert found.level == "red"
    assert f"{QUEUE} is a string, not a list" in found.says


def test_a_wrong_password_is_no_server_that_is_away(settings_with: SettingsMaker, stack: FilotStack) -> None:
    url = f"redis://127.0.0.1:{stack.valkey.port}/0"
    (found,) = check_redis(settings_with(REDIS_URL=url, REDIS_PASSWORD="hunter2"))

    assert found.level == "red"
    assert "refuses the password" in found.says
    assert "REDIS_PASSWORD" in found.advice


def test_the_password_in_the_url_wins_as_in_the_backend(
    settings_with: SettingsMaker, stack: FilotStack
) -> None:
    right = urlsplit(stack.valkey.url).password or ""
    wrong_url = stack.valkey.url.replace(right, "outdated")

    (refused,) = check_redis(settings_with(REDIS_URL=wrong_url, REDIS_PASSWORD=right))
    found = by_name(check_redis(settings_with(REDIS_URL=stack.valkey.url, REDIS_PASSWORD="outdated")))

    assert refused.level == "red"
    assert found["redis role"].level == "green"


def test_a_missing_password_is_asked_for(settings_with: SettingsMaker, stack: FilotStack) -> None:
    (found,) = check_redis(settings_with(REDIS_URL=f"redis://127.0.0.1:{stack.valkey.port}/0"))

    assert "requires a password" in found.says


def test_cluster_mode_is_named(settings_with: SettingsMaker) -> None:
    with open_sandbox() as sandbox:
        cluster = Valkey(sandbox, cluster=True)
        cluster.start()
        (found,) = check_redis(settings_with(REDIS_URL=cluster.url))

    assert (found.level, found.check) == ("red", "redis mode")
    assert "cluster mode" in found.says
    assert "one primary" in found.advice


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("redis://127.0.0.1:1/0", "nothing listens on that port"),
        ("redis://nowhere.invalid/0", "its host name cannot be resolved"),
    ],
)
def test_a_server_that_cannot_be_reached_is_told_by_cause(
    settings_with: SettingsMaker, url: str, says: str
) -> None:
    (found,) = check_redis(settings_with(REDIS_URL=url))

    assert (found.level, found.says) == ("red", says)


def test_an_untrusted_certificate_is_told_as_one(settings_with: SettingsMaker, tmp_path: Path) -> None:
    impostor = Impostor(tmp_path, postgres=False)
    try:
        (found,) = check_redis(settings_with(REDIS_URL=f"rediss://127.0.0.1:{impostor.port}/0"))
    finally:
        impostor.close()

    assert "certificate is not trusted" in found.says
