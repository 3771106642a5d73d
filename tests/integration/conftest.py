"""Parts of the service on the test's servers."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from dramatiq import Worker

from service.runtime.actors import declare_actors
from service.runtime.app import App, build_app
from service.settings import Settings, needed
from service.store.database import Database
from tests.support import fake_cuda, fake_nvml
from tests.support.fake_cuda import FakeCuda
from tests.support.fake_nvml import FakeNvml


@pytest.fixture
def settings(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The settings that the test's environment makes."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return Settings()


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    """PostgreSQL with FiLot's tables and ours."""
    database = Database(needed(settings.database_url, "DATABASE_URL"), 4)
    yield database
    database.close()


@pytest.fixture
def nvml(monkeypatch: pytest.MonkeyPatch) -> FakeNvml:
    """The driver of a GPU that this machine seems to have."""
    return fake_nvml.install(monkeypatch)


@pytest.fixture
def cuda(nvml: FakeNvml, monkeypatch: pytest.MonkeyPatch) -> FakeCuda:
    """The same with an ONNX Runtime that can use it."""
    return fake_cuda.install(monkeypatch)


@pytest.fixture
def start(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., App]]:
    """A function that starts a worker in this process; it is stopped after the test."""
    with ExitStack() as stack:

        def start_worker(**changes: str) -> App:
            wanted = {"OCR_GPU_ENABLED": "true", "OCR_GPU_DRIVER": "onnx", "OCR_GPU_POLL_INTERVAL": "50"}
            for name, value in {**environment, **wanted, **changes}.items():
                monkeypatch.setenv(name, value)
            app = stack.enter_context(build_app(Settings()))
            declare_actors(app)
            worker = Worker(app.broker, worker_threads=3, worker_timeout=100)
            stack.callback(worker.stop)
            worker.start()
            return app

        yield start_worker


@pytest.fixture(scope="session")
def wheel() -> Path:
    """The wheel that our models are derived from, as `make models` fetched it."""
    (found,) = (Path(__file__).parents[2] / "build" / "models").glob("rapidocr-*.whl")
    return found
