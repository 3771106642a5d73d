"""`doctor`, on sound and on broken settings and servers."""

import json

from devstack.servers import FilotStack
from tests.acceptance.conftest import Runner

#: Of variables that name servers.
ENDINGS = ("_URL", "_ENDPOINT", "_ID", "_KEY", "_BUCKET_NAME")


def test_the_doctor_finds_these_servers_sound(run: Runner, environment: dict[str, str]) -> None:
    ended = run("doctor", "--json", OCR_GPU_DRIVER="onnx")

    report = json.loads(ended.stdout)
    assert (ended.returncode, report["red"]) == (0, 0)
    assert {check["check"] for check in report["checks"]} >= {
        *(
            "settings",
            "redis version",
            "redis eviction",
            "postgresql",
            "table documents",
            "schema ocr_worker",
        ),
        *("storage", "review service", "encryption", "clock of redis", "clock of postgresql"),
        *("models", "engine", "gpu", "disk", "temporary files"),
    }
    for variable in ("REDIS_URL", "DATABASE_URL", "CF_R2_SECRET_ACCESS_KEY", "BULI2_API_KEY"):
        assert environment[variable] not in ended.stdout


def test_the_doctor_says_what_to_do_about_each_red_line(
    run: Runner, environment: dict[str, str], stack: FilotStack
) -> None:
    ended = run(
        "doctor",
        REDIS_URL=environment["REDIS_URL"].replace("@", "hunter2@"),
        DATABASE_URL=environment["DATABASE_URL"].replace("@", "hunter2@"),
        CF_R2_BUCKET_NAME="nobodys",
        BULI2_API_URL="http://127.0.0.1:1",
    )

    lines = ended.stdout.splitlines()
    red = {line.split()[1].rstrip(":") for line in lines if line.startswith("red ")}
    assert ended.returncode == 1
    assert red >= {"redis", "postgresql", "storage", "review"}
    assert ended.stdout.count("it refuses the password") == 2
    assert all("->" in lines[n + 1] for n, line in enumerate(lines) if line.startswith("red "))
    assert "hunter2" not in ended.stdout + ended.stderr
    assert ended.stderr == ""


def test_the_doctor_stops_at_settings_that_cannot_be_read(run: Runner) -> None:
    ended = run("doctor", OCR_GPU_CONCURRENCY="two")

    assert ended.returncode == 1
    assert "OCR_GPU_CONCURRENCY='two' is invalid: it must be a whole number" in ended.stdout


def test_with_nothing_set_the_doctor_says_so_once(run: Runner, environment: dict[str, str]) -> None:
    ended = run("doctor", **dict.fromkeys((name for name in environment if name.endswith(ENDINGS)), ""))

    red = [line for line in ended.stdout.splitlines() if line.startswith("red ")]
    assert ended.returncode == 1
    assert len(red) == 1
    assert "not set: REDIS_URL, DATABASE_URL" in red[0]
