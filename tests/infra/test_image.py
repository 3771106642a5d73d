"""What Dockerfile.gpu, its locks and compose.yaml promise, as far as it shows without building the image."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from cloudless.deployment import ROOT

from infra_pulumi.environment import SECRETS
from infra_pulumi.release.image import INPUTS
from infra_pulumi.task import HEALTH_COMMAND, HEALTH_TIMING

TEXT = (ROOT / "Dockerfile.gpu").read_text()

#: Bytes that a release of Python code may add to an image.
RELEASE_BYTES = 5_000_000

VARIANTS = pytest.mark.parametrize("variant", ["gpu", "cpu"])


@dataclass(frozen=True)
class Stage:
    """From one FROM to the next."""

    image: str
    name: str
    #: Instruction and its arguments on one line.
    steps: tuple[tuple[str, str], ...]

    def all(self, instruction: str) -> list[str]:
        return [arguments for name, arguments in self.steps if name == instruction]


def parsed(text: str) -> tuple[dict[str, str], dict[str, Stage]]:
    """Arguments before the first stage, and stages by name."""
    lines = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    joined = re.sub(r"\s*\\\n\s*", " ", lines)
    steps = [tuple(line.split(None, 1)) for line in joined.splitlines() if line.strip()]
    arguments: dict[str, str] = {}
    found: list[Stage] = []
    for instruction, rest in steps:
        if instruction == "FROM":
            image, _, name = rest.partition(" AS ")
            found.append(Stage(image, name, ()))
        elif found:
            last = found.pop()
            found.append(Stage(last.image, last.name, (*last.steps, (instruction, rest))))
        else:
            assert instruction == "ARG"
            name, _, value = rest.partition("=")
            arguments[name] = value
    return arguments, {stage.name: stage for stage in found}


ARGUMENTS, STAGES = parsed(TEXT)


def locked(lock: str) -> dict[str, str]:
    text = (ROOT / "requirements" / f"{lock}.lock").read_text()
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", text, re.MULTILINE))


def context_inputs(stages: Mapping[str, Stage], stage: Stage) -> set[str]:
    """Paths of the build context that the content of a stage depends on."""
    found: set[str] = set()
    if stage.image in stages:
        found |= context_inputs(stages, stages[stage.image])
    for instruction, arguments in stage.steps:
        found |= step_inputs(stages, instruction, arguments)
    return found


def step_inputs(stages: Mapping[str, Stage], instruction: str, arguments: str) -> set[str]:
    if mount := re.search(r"--mount=type=bind,source=([^, ]+)", arguments):
        return {mount[1]}
    if instruction != "COPY":
        return set()
    if other := re.match(r"--from=(\S+) ", arguments):
        return context_inputs(stages, stages[other[1]])
    return {path.rstrip("/") for path in arguments.split()[:-1]}


def rebuilt(stages: Mapping[str, Stage], stage: Stage, changed: str) -> Iterator[tuple[str, str]]:
    """Steps that are not taken from the cache when a file of the context changed.

    A copy is cached by the content that it copies, everything else by the step before it.
    """
    dirty = False
    for instruction, arguments in stage.steps:
        inputs = step_inputs(stages, instruction, arguments)
        dirty = dirty or any(changed == path or changed.startswith(f"{path}/") for path in inputs)
        if dirty:
            yield instruction, arguments


def test_hadolint_has_no_complaint() -> None:
    hadolint = shutil.which("hadolint", path=str(Path(sys.executable).parent))
    assert hadolint is not None

    done = subprocess.run([hadolint, ROOT / "Dockerfile.gpu"], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (0, "")


def test_bases_are_named_by_digest_and_bring_no_cuda_libraries() -> None:
    outside = {stage.image for stage in STAGES.values() if stage.image not in STAGES}

    assert outside == {f"${{{name}}}" for name in ARGUMENTS}
    assert all(re.search(r":[a-z0-9.-]+@sha256:[0-9a-f]{64}$", image) for image in ARGUMENTS.values())
    # The wheels bring CUDA's libraries: a -runtime base would have them twice.
    brings = [name for name in locked("gpu") if name.startswith("nvidia-") and name.endswith("-cu12")]
    assert brings
    assert "-base-" in ARGUMENTS["GPU_BASE"]
    assert not re.search(r"-(runtime|devel)-", TEXT)
    assert not [copy for stage in STAGES.values() for copy in stage.all("COPY") if "://" in copy]
    assert not re.search(r"--from=[^ ]*[/.]", TEXT)


def test_every_variant_is_a_target_and_gpu_is_the_default() -> None:
    assert list(STAGES)[-1] == "gpu"
    assert STAGES["gpu"].image == "${GPU_BASE}"
    assert STAGES["cpu"].image == "${CPU_BASE}"


@VARIANTS
def test_a_release_of_python_code_changes_less_than_5_mb(variant: str) -> None:
    changed = list(rebuilt(STAGES, STAGES[variant], "service/processing.py"))
    copies = [arguments for instruction, arguments in changed if instruction == "COPY"]

    # One layer with files; what follows only checks and describes.
    assert copies == ["--from=application /opt/app /opt/app"]
    (check,) = [arguments for instruction, arguments in changed if instruction == "RUN"]
    assert not re.search(r"pip|apt|mkdir|cp |mv |> /(?!dev/null)", check)
    assert "PYTHONDONTWRITEBYTECODE=1" in " ".join(STAGES[variant].all("ENV"))


def test_the_application_layer_holds_code_only() -> None:
    ignored = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line.endswith(".onnx")]
    assert ignored == ["service/reading/ocr/models/*.onnx"]
    (build,) = STAGES["application"].all("RUN")
    assert "--no-deps --no-index --target /opt/app" in build
    assert "derive" not in build
    files = [
        path
        for path in (ROOT / "service").rglob("*")
        if path.is_file() and path.suffix != ".onnx" and "__pycache__" not in path.parts
    ]

    # Source, and bytecode that is somewhat larger.
    size = sum(path.stat().st_size for path in files)
    assert 100_000 < size < RELEASE_BYTES / 2.5


@VARIANTS
@pytest.mark.parametrize(
    ("changed", "layers"),
    [
        ("requirements/models.lock", {"/models", "/opt/app"}),
        ("tools/models/derive.py", {"/models", "/opt/app"}),
        ("README.md", {"/opt/app"}),
    ],
)
def test_each_kind_of_change_rebuilds_its_own_layers(variant: str, changed: str, layers: set[str]) -> None:
    copies = [
        arguments.split()[1]
        for instruction, arguments in rebuilt(STAGES, STAGES[variant], changed)
        if instruction == "COPY"
    ]

    assert set(copies) == layers


@VARIANTS
def test_dependencies_are_installed_below_models_and_application(variant: str) -> None:
    copied = [arguments.split()[0] for arguments in STAGES[variant].all("COPY")]

    assert copied == [
        f"--from={variant}-dependencies",
        "--from=launcher",
        "--from=models",
        "--from=application",
    ]


def test_a_tag_depends_on_all_that_the_image_is_built_from() -> None:
    read = {path for stage in STAGES.values() for path in context_inputs(STAGES, stage)}

    covered = {path for path in read if any(path == i or path.startswith(f"{i}/") for i in INPUTS)}
    assert covered == read
    assert {"Dockerfile.gpu", ".dockerignore"} <= set(INPUTS)
    used = {i for i in INPUTS if any(path == i or path.startswith(f"{i}/") for path in read)}
    assert set(INPUTS) - used == {"Dockerfile.gpu", ".dockerignore"}


@VARIANTS
def test_worker_runs_as_its_own_user(variant: str) -> None:
    stage = STAGES[variant]

    assert stage.all("USER") == ["filot"]
    assert "useradd --uid 10001" in (ROOT / "requirements" / "system.sh").read_text()
    assert stage.steps[-1] == ("CMD", '["filot-ocr", "worker"]')


@VARIANTS
def test_image_and_task_ask_after_the_workers_health_alike(variant: str) -> None:
    (check,) = STAGES[variant].all("HEALTHCHECK")
    options, _, command = check.partition(" CMD ")

    timing = dict(re.findall(r"--([a-z-]+)=(\d+)", options))
    assert tuple(json.loads(command)) == HEALTH_COMMAND
    assert {key: int(value) for key, value in timing.items()} == {
        key.replace("startPeriod", "start-period"): value for key, value in HEALTH_TIMING.items()
    }
    assert STAGES[variant].all("EXPOSE") == ["8080"]


def test_system_is_patched_and_comes_from_one_signed_archive() -> None:
    script = (ROOT / "requirements" / "system.sh").read_text()
    commands = [line for line in script.splitlines() if not line.startswith("#")]

    assert script.index("apt-get upgrade") < script.index("apt-get install")
    assert "set -eu" in commands
    # Ubuntu 24.04 has Python 3.12 and Tesseract 5: no foreign archive, so no key of one.
    assert all(
        base.partition("@")[0].endswith("ubuntu24.04") or "ubuntu:24.04" in base
        for base in ARGUMENTS.values()
    )
    assert not re.search(r"signed-by|sources\.list|gpg|add-apt|keyserver", script + TEXT)
    installed = " ".join(commands).partition("--no-install-recommends")[2].partition("rm -rf")[0]
    assert installed.replace("\\", " ").split() == [
        *("ca-certificates", "python3", "tesseract-ocr", "tesseract-ocr-eng", "tesseract-ocr-ind"),
    ]
    assert "grep --quiet '^tesseract 5\\.'" in script


def test_every_python_package_is_checked_by_its_hash() -> None:
    steps = " && ".join(step for stage in STAGES.values() for step in stage.all("RUN"))
    installs = re.findall(r"pip (?:--python \S+ )?(?:install|download) [^&]*", steps)

    assert len(installs) == 5
    assert all("--require-hashes" in step or "--no-index" in step for step in installs)
    assert all("--no-deps" in step for step in installs)
    for lock in ("cpu", "gpu"):
        text = (ROOT / "requirements" / f"{lock}.lock").read_text()
        assert text.count("--hash=sha256:") >= len(locked(lock))
        assert "://" not in text


@pytest.mark.parametrize(("lock", "runtime"), [("gpu", "onnxruntime-gpu"), ("cpu", "onnxruntime")])
def test_lock_has_one_onnxruntime(lock: str, runtime: str) -> None:
    assert [name for name in locked(lock) if name.startswith("onnxruntime")] == [runtime]


def test_gpu_lock_is_for_cuda_12_and_the_cpu_lock_has_no_cuda() -> None:
    gpu, cpu = locked("gpu"), locked("cpu")

    assert gpu["onnxruntime-gpu"].startswith("1.26.")
    assert gpu["nvidia-cudnn-cu12"] == "9.10.2.21"
    assert not [name for name in gpu if name.endswith(("-cu11", "-cu13"))]
    assert not [name for name in cpu if name.startswith("nvidia-")]
    shared = set(gpu) & set(cpu)
    assert len(shared) > 40
    assert {name for name in shared if gpu[name] != cpu[name]} == set()


@VARIANTS
def test_models_are_checked_where_they_are_made_and_where_they_run(variant: str) -> None:
    checks = " ".join(STAGES[variant].all("RUN"))

    assert any("derive" in step and "SHA256SUMS" in step for step in STAGES["models"].all("RUN"))
    assert "sha256sum --check --strict --quiet SHA256SUMS" in checks
    provider = {"gpu": "CUDAExecutionProvider", "cpu": "CPUExecutionProvider"}[variant]
    assert provider in checks


def test_launcher_calls_what_the_package_declares() -> None:
    project = (ROOT / "pyproject.toml").read_text()
    (declared,) = re.findall(r'^filot-ocr = "(\S+)"', project, re.MULTILINE)
    (script,) = STAGES["launcher"].all("RUN")

    module, _, function = declared.partition(":")
    assert f"from {module} import {function}" in script
    assert "echo /opt/app > /launcher/lib/python3.12/site-packages/filot.pth" in script


@VARIANTS
def test_image_holds_no_secret_and_writes_nowhere_but_tmp(variant: str) -> None:
    variables = dict(part.split("=", 1) for step in STAGES[variant].all("ENV") for part in step.split())

    assert not [secret.variable for secret in SECRETS if secret.variable in TEXT]
    assert not [argument for stage in STAGES.values() for argument in stage.all("ARG")]
    assert variables["HOME"] == "/tmp"
    assert variables.get("CUDA_CACHE_PATH", "/tmp/").startswith("/tmp/")
    assert variables["PYTHONDONTWRITEBYTECODE"] == "1"


def test_context_holds_only_what_is_read() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    read = {path for stage in STAGES.values() for path in context_inputs(STAGES, stage)}

    assert rules[0] == "*"
    admitted = {rule[1:] for rule in rules if rule.startswith("!")}
    assert admitted == {path for path in read if not path.startswith("service/")}
    assert all((ROOT / path).exists() for path in read)


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    services: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    return services


def test_compose_runs_the_worker_as_confined_as_aws_does(compose: dict[str, Any]) -> None:
    worker = compose["worker"]

    assert (worker["build"]["dockerfile"], worker["build"]["target"]) == ("Dockerfile.gpu", "cpu")
    assert worker["environment"]["OCR_GPU_CLAIM_CPU_QUEUE"] == "${OCR_GPU_CLAIM_CPU_QUEUE:-true}"
    assert worker["ulimits"] == {"core": 0}
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
