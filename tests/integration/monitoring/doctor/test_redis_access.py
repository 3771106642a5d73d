"""What `doctor` reports of Redis' access rules, on a real server with a user of the test's own."""

from collections.abc import Callable, Iterator

import pytest
from dramatiq import Worker

from devstack.backend import FilotBackend
from devstack.servers import FilotStack
from service.monitoring.doctor.check_result import CheckResult
from service.monitoring.doctor.redis_access import ARGUMENTS, needed_commands, rule
from service.monitoring.doctor.redis_server import check_redis
from service.queue.document_queue import connect_redis
from service.runtime.actors import declare_actors
from service.runtime.app import build_app
from service.settings import Settings
from tests.integration.monitoring.doctor.conftest import SettingsMaker
from tests.integration.test_api import picture

UserMaker = Callable[..., Settings]


@pytest.fixture
def user_with(backend: FilotBackend, stack: FilotStack, settings_with: SettingsMaker) -> Iterator[UserMaker]:
    """Makes the user `poor` with a rule, and the worker's settings with that user."""

    def make(*rules: str, **changes: str) -> Settings:
        backend.redis.execute_command("ACL", "SETUSER", "poor", "reset", "on", ">secret", *rules)
        url = f"redis://poor:secret@127.0.0.1:{stack.valkey.port}/0"
        return settings_with(REDIS_URL=url, OCR_GPU_DRIVER="onnx", **changes)

    yield make
    backend.redis.acl_deluser("poor")


def red(settings: Settings) -> dict[str, CheckResult]:
    return {each.check: each for each in check_redis(settings) if each.level == "red"}


def test_without_channel_rights_no_result_would_arrive(user_with: UserMaker) -> None:
    found = red(user_with("+@all", "~*", "resetchannels"))

    assert set(found) == {"redis channel"}
    assert "may not publish on filot:ocr:gpu:results" in found["redis channel"].says
    assert "&filot:ocr:gpu:results" in found["redis channel"].advice


def test_without_blocking_commands_the_queue_is_polled(user_with: UserMaker) -> None:
    found = red(user_with("+@all", "-@blocking", "~*", "&*"))

    assert set(found) == {"redis blocking"}
    assert "BLMOVE" in found["redis blocking"].says
    assert "+blmove" in found["redis blocking"].advice


@pytest.mark.parametrize(
    ("rules", "says"),
    [
        (("+ping",), "may not run transactions (MULTI)"),
        (("+@all", "-zscore", "-hset", "~*", "&*"), "may not run HSET, ZSCORE"),
        (
            ("+@all", "~filot:ocr:gpu:queue", "~filot:ocr:queue", "&*"),
            "may not use the keys filot:ocr:gpu:proc",
        ),
    ],
)
def test_what_is_refused_is_named_with_the_complete_rule(
    rules: tuple[str, ...], says: str, user_with: UserMaker
) -> None:
    settings = user_with(*rules)

    found = red(settings)

    assert set(found) == {"redis access"}
    assert says in found["redis access"].says
    assert rule(settings) in found["redis access"].advice


def test_asking_changes_nothing(user_with: UserMaker, backend: FilotBackend) -> None:
    settings = user_with("+@all", "~*", "&*")

    with backend.listen() as channel:
        assert red(settings) == {}
        connect_redis(settings).publish(settings.results_channel, '{"documentId": "the only one"}')
        published = channel.wait_for(1)

    assert backend.redis.keys("*") == []
    assert [each["documentId"] for each in published] == ["the only one"]


def test_every_command_of_a_script_can_be_asked_for() -> None:
    with_one_key = {"DEL", "EXISTS", "GET", "HGETALL", "LLEN", "LPOP", "MGET", "SCARD", "TYPE", "ZCARD"}

    assert set(needed_commands()) - ARGUMENTS.keys() - {"PUBLISH"} == with_one_key


@pytest.mark.parametrize("claims", ["false", "true"])
def test_the_printed_rule_is_enough_for_doctor_and_worker(
    claims: str, user_with: UserMaker, backend: FilotBackend
) -> None:
    settings = user_with(OCR_GPU_CLAIM_CPU_QUEUE=claims, OCR_GPU_POLL_INTERVAL="50")
    backend.redis.execute_command(*rule(settings).split())
    backend.redis.execute_command("ACL", "LOG", "RESET")

    found = red(settings)
    with build_app(settings) as app, backend.listen() as channel:
        declare_actors(app)
        worker = Worker(app.broker, worker_threads=3, worker_timeout=100)
        worker.start()
        backend.enqueue(backend.add_document(picture(), "NPWP"))
        (result,) = channel.wait_for(1)
        worker.stop()
    # The client library introduces itself, and takes no for an answer.
    denied = {str(entry["object"]) for entry in backend.redis.acl_log()} - {"client|setinfo"}

    assert found == {}
    assert result["success"] is True
    assert denied == set()
