"""Redis: access, scripts, role, and whether it keeps its data."""

from collections.abc import Iterator
from typing import Any

import redis

from service.monitoring.doctor.check_result import CheckResult, fail, passed, warn
from service.monitoring.doctor.redis_access import check_access
from service.monitoring.doctor.redis_rehearsal import check_scripts
from service.queue.document_queue import connect_redis
from service.settings import Settings
from service.store.server_problems import REDIS_CLUSTER, redis_problem

#: The version that the contract with the backend names, and the oldest with every command that is used.
EXPECTED, OLDEST = (7, 0), (6, 2)

#: Share of the allowed memory from which on the operator should act.
NEARLY_FULL = 0.9

NOEVICTION = "set maxmemory-policy to noeviction: any other policy may evict queued documents"


def check_redis(settings: Settings) -> Iterator[CheckResult]:
    """Connect; check access and scripts, then version, role, memory, persistence and keys.

    Raises:
        SettingsError: ``REDIS_URL`` is not set, or cannot be used.
    """
    with connect_redis(settings) as client:
        try:
            info = _info(client)
            if info.get("cluster_enabled"):
                yield fail("redis mode", *REDIS_CLUSTER)
                return
            access = list(check_access(client, settings))
            yield from access
            if not info:
                return
            types = {key: client.type(key) for key in _expected_types(settings)}
            if info["role"] == "master" and not any(result.level == "red" for result in access):
                yield from check_scripts(client, settings)
        except redis.exceptions.NoPermissionError:
            # The lines above say it.
            return
        except redis.RedisError as error:
            says, advice = redis_problem(error)
            yield fail("redis", says, advice)
            return
    yield _version(info)
    yield _role(info)
    yield _eviction(info)
    yield _memory(info)
    yield _persistence(info)
    yield _keys(types, settings)


def _info(client: redis.Redis) -> dict[str, Any]:
    """Return what INFO says; nothing when our user may not ask, which `check_access` reports."""
    try:
        info: dict[str, Any] = client.info()
    except redis.exceptions.NoPermissionError:
        return {}
    return info


def _version(info: dict[str, Any]) -> CheckResult:
    text = str(info["redis_version"])
    version = tuple(int(part) for part in text.split(".")[:2])
    if version < OLDEST:
        return fail("redis version", f"{text} lacks commands that the worker needs", "update Redis to 7")
    if version < EXPECTED:
        return warn("redis version", f"{text} is older than expected", "update Redis to 7")
    return passed("redis version", text)


def _role(info: dict[str, Any]) -> CheckResult:
    if info["role"] == "master":
        return passed("redis role", "primary")
    return fail("redis role", "a replica, which is read-only", "name the primary in REDIS_URL")


def _eviction(info: dict[str, Any]) -> CheckResult:
    policy = info["maxmemory_policy"]
    if policy == "noeviction":
        return passed("redis eviction", policy)
    return fail("redis eviction", policy, NOEVICTION)


def _memory(info: dict[str, Any]) -> CheckResult:
    used, allowed = info["used_memory"], info["maxmemory"]
    says = f"{used / 2**20:.0f} MiB used" + (f" of {allowed / 2**20:.0f} MiB" if allowed else "")
    if allowed and used >= NEARLY_FULL * allowed:
        return warn(
            "redis memory", says, "find what fills it, or raise maxmemory: when full, it refuses documents"
        )
    return passed("redis memory", says)


def _persistence(info: dict[str, Any]) -> CheckResult:
    if info["aof_enabled"] and info["aof_last_write_status"] != "ok":
        return fail(
            "redis persistence", "its append-only file cannot be written", "check Redis' disk and log"
        )
    if info["rdb_last_bgsave_status"] != "ok":
        return fail(
            "redis persistence",
            "its last snapshot failed; it may refuse writes until one succeeds",
            "check Redis' disk, memory and log",
        )
    if info["aof_enabled"]:
        return passed("redis persistence", "an append-only file")
    if info["connected_slaves"]:
        return passed("redis persistence", f"{info['connected_slaves']} replicas")
    if info.get("rdb_saves"):
        return passed("redis persistence", "snapshots")
    return warn(
        "redis persistence",
        "no append-only file, no replica, and no snapshot since its start",
        "enable one: after a restart, only documents whose rows say `processing` are recovered",
    )


def _expected_types(settings: Settings) -> dict[str, str]:
    return {settings.queue_key: "list", settings.processing_key: "set", settings.attempts_key: "hash"}


def _keys(types: dict[str, Any], settings: Settings) -> CheckResult:
    wrong = [
        f"{key} is a {types[key]}, not a {expected}"
        for key, expected in _expected_types(settings).items()
        if types[key] not in (expected, "none")
    ]
    if wrong:
        return fail("redis keys", "; ".join(wrong), "set OCR_GPU_..._KEY to names that nothing else uses")
    return passed("redis keys", "the names of the queue are unused or its own")
