"""What Dockerfile.gpu, its lock and compose.yaml claim, as far as it shows without building the image."""

import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from cloudless.deployment import ROOT

from infra_pulumi.environment import SECRETS
from infra_pulumi.task import HEALTH_COMMAND

BASE = "nvidia/cuda:12.2.0-runtime-ubuntu22.04"


@dataclass(frozen=True)
class Stage:
    """From one FROM to the next."""

    image: str
    name: str
    #: Instruction and its arguments on one line.
    steps: tuple[tuple[str, str], ...]

    def all(self, instruction: str) -> list[str]:
        return [arguments for name, arguments in self.steps if name == instruction]


@pytest.fixture(scope="module")
def stages() -> list[Stage]:
    text = (ROOT / "Dockerfile.gpu").read_text()
    lines = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    joined = re.sub(r"\s*\\\n\s*", " ", lines)
    steps = [tuple(line.split(None, 1)) for line in joined.splitlines() if line.strip()]
    found: list[Stage] = []
    for instruction, arguments in steps:
        if instruction == "FROM":
            image, _, name = arguments.partition(" AS ")
            found.append(Stage(image.replace("${BASE}", BASE), name, ()))
        elif found:
            last = found.pop()
            found.append(Stage(last.image, last.name, (*last.steps, (instruction, arguments))))
        else:
            assert (instruction, arguments) == ("ARG", f"BASE={BASE}")
    return found


@pytest.fixture(scope="module")
def final(stages: list[Stage]) -> Stage:
    return stages[-1]


def locked() -> dict[str, str]:
    text = (ROOT / "requirements" / "gpu.lock").read_text()
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", text, re.MULTILINE))


def test_hadolint_has_no_complaint() -> None:
    hadolint = shutil.which("hadolint", path=str(Path(sys.executable).parent))
    assert hadolint is not None

    done = subprocess.run([hadolint, ROOT / "Dockerfile.gpu"], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (0, "")


def test_image_stands_on_the_cuda_runtime(stages: list[Stage], final: Stage) -> None:
    assert final.image == BASE
    assert len(stages) > 1
    assert {stage.image for stage in stages} <= {BASE, *(stage.name for stage in stages)}


def test_worker_runs_as_its_own_user(final: Stage) -> None:
    assert final.all("USER") == ["filot"]
    (system,) = [step for step in final.all("RUN") if "apt-get" in step]
    assert "useradd --uid 10001" in system
    assert final.steps[-1] == ("CMD", '["filot-ocr", "worker"]')


def test_image_and_task_ask_after_the_workers_health_alike(final: Stage) -> None:
    (check,) = final.all("HEALTHCHECK")
    options, _, command = check.partition(" CMD ")

    assert tuple(json.loads(command)) == HEALTH_COMMAND
    assert options.split() == ["--interval=30s", "--timeout=5s", "--start-period=180s", "--retries=3"]
    assert final.all("EXPOSE") == ["8080"]


def test_python_is_3_12_and_tesseract_is_5_with_both_languages(stages: list[Stage], final: Stage) -> None:
    installs = " ".join(step for stage in stages for step in stage.all("RUN"))

    assert "uv python install 3.12" in installs
    assert "tesseract-ocr='5.*' tesseract-ocr-eng tesseract-ocr-ind" in " ".join(final.all("RUN"))
    assert r"grep --quiet '^tesseract 5\.'" in installs


def test_foreign_packages_are_signed_by_a_key_we_know(stages: list[Stage], final: Stage) -> None:
    key = next(stage for stage in stages if stage.name == "key")

    fingerprints = re.findall(r"\b[0-9A-F]{40}\b", " ".join(key.all("RUN")))
    assert len(set(fingerprints)) == 1
    assert "signed-by=/usr/share/keyrings/tesseract.gpg" in " ".join(final.all("RUN"))


def test_every_python_package_is_checked_by_its_hash(stages: list[Stage]) -> None:
    steps = " && ".join(step for stage in stages for step in stage.all("RUN"))
    installs = re.findall(r"pip (?:install|download) [^&]*", steps)
    lock = (ROOT / "requirements" / "gpu.lock").read_text()

    assert len(installs) == 4
    assert all("--require-hashes" in step or "--no-index /dist/" in step for step in installs)
    assert all("--no-deps" in step for step in installs)
    assert lock.count("--hash=sha256:") >= len(locked())
    assert "://" not in lock


def test_lock_has_one_onnxruntime_and_it_is_for_cuda_12() -> None:
    packages = locked()

    runtimes = {name: version for name, version in packages.items() if name.startswith("onnxruntime")}
    assert list(runtimes) == ["onnxruntime-gpu"]
    assert runtimes["onnxruntime-gpu"].startswith("1.26.")
    assert packages["nvidia-cudnn-cu12"] == "9.10.2.21"
    assert not [name for name in packages if name.endswith(("-cu11", "-cu13"))]


def test_models_are_checked_where_they_are_made_and_where_they_run(stages: list[Stage], final: Stage) -> None:
    wheel = next(stage for stage in stages if stage.name == "wheel")

    assert any("tools.models.derive" in step and "SHA256SUMS" in step for step in wheel.all("RUN"))
    assert any("sha256sum --check --strict" in step for step in final.all("RUN"))


def test_no_build_tool_reaches_the_image(final: Stage) -> None:
    copied = [step.split()[:2] for step in final.all("COPY")]
    (system,) = [step for step in final.all("RUN") if "apt-get" in step]
    installed = system.partition("install")[2].partition("&&")[0].split()

    assert copied == [
        ["--from=key", "/tesseract.gpg"],
        ["--from=environment", "/opt/python"],
        ["--from=environment", "/opt/venv"],
    ]
    assert [word.strip("'") for word in installed if not word.startswith("-")] == [
        "ca-certificates",
        "tesseract-ocr='5.*",
        "tesseract-ocr-eng",
        "tesseract-ocr-ind",
    ]


def test_image_holds_no_secret_and_writes_nowhere_but_tmp(stages: list[Stage], final: Stage) -> None:
    variables = dict(part.split("=", 1) for step in final.all("ENV") for part in step.split())
    everything = (ROOT / "Dockerfile.gpu").read_text()

    assert not [secret.variable for secret in SECRETS if secret.variable in everything]
    assert not [argument for stage in stages for argument in stage.all("ARG")]
    assert variables["HOME"] == "/tmp"
    assert variables["CUDA_CACHE_PATH"].startswith("/tmp/")
    assert variables["PYTHONDONTWRITEBYTECODE"] == "1"


def test_context_holds_only_what_is_copied(stages: list[Stage]) -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    sources = {
        source
        for stage in stages
        for step in stage.all("COPY")
        if not step.startswith("--from")
        for source in step.split()[:-1]
    }

    assert rules[0] == "*"
    assert {rule[1:] for rule in rules if rule.startswith("!")} == sources
    assert all((ROOT / source).exists() for source in sources)


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    services: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    return services


def test_compose_runs_the_worker_as_confined_as_aws_does(compose: dict[str, Any]) -> None:
    worker = compose["worker"]

    assert worker["build"]["dockerfile"] == "Dockerfile.gpu"
    assert worker["environment"]["OCR_GPU_ENABLED"] == "false"
    assert worker["read_only"] is True
    assert worker["cap_drop"] == ["ALL"]
    assert worker["ports"] == ["127.0.0.1:8080:8080"]
    assert [place.partition(":")[0] for place in worker["tmpfs"]] == ["/tmp"]


def test_compose_starts_the_worker_once_its_servers_are_ready(compose: dict[str, Any]) -> None:
    waits = {
        other: condition["condition"]
        for service in compose.values()
        for other, condition in service.get("depends_on", {}).items()
    }

    assert waits == {
        "bucket": "service_completed_successfully",
        "database": "service_healthy",
        "redis": "service_healthy",
        "storage": "service_healthy",
    }
    assert all("healthcheck" in compose[name] for name in waits if name != "bucket")
    assert compose["storage"]["image"] == compose["bucket"]["image"]
    (mounted,) = compose["database"]["volumes"]
    assert (ROOT / mounted.split(":")[0]).is_file()


def test_compose_names_servers_and_bucket_alike_everywhere(compose: dict[str, Any]) -> None:
    worker = compose["worker"]["environment"]
    (script,) = compose["bucket"]["command"]
    database = compose["database"]["environment"]

    urls = [urlsplit(worker[name]) for name in ("CF_R2_ENDPOINT", "DATABASE_URL", "REDIS_URL")]
    assert [(url.hostname, url.port) for url in urls] == [
        ("storage", 5000),
        ("database", 5432),
        ("redis", 6379),
    ]
    assert (urls[1].username, urls[1].password, urls[1].path) == (
        database["POSTGRES_USER"],
        database["POSTGRES_PASSWORD"],
        f"/{database['POSTGRES_DB']}",
    )
    compile(script, "compose.yaml", "exec")
    assert worker["CF_R2_ENDPOINT"] in script
    assert f'Bucket="{worker["CF_R2_BUCKET_NAME"]}"' in script
    assert compose["storage"]["environment"]["MOTO_PORT"] == str(urls[0].port)
