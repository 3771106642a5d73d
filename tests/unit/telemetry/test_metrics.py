"""Counters and histograms: few labels with few values, units in their names, a sentence for each."""

import ast
import sys
from pathlib import Path

import pytest

from service.monitoring.gpu_usage import GpuMeter, GpuUse
from service.reading.pages.refusals import REFUSALS
from service.telemetry.metrics import REGISTRY, STAGE
from service.telemetry.stages import timed
from tests.support import fake_nvml
from tests.support.fake_nvml import FakeNvml

SERVICE = Path(__file__).parents[3] / "service"

#: What a name may end with: units, and what is counted.
UNITS = ("_total", "_seconds", "_bytes", "_ratio")


@pytest.fixture
def nvml(monkeypatch: pytest.MonkeyPatch) -> FakeNvml:
    """The driver of a GPU that this machine seems to have."""
    return fake_nvml.install(monkeypatch)


def test_every_metric_has_a_unit_in_its_name_and_a_sentence() -> None:
    for metric in REGISTRY.collect():
        name = f"{metric.name}_total" if metric.type == "counter" else metric.name

        assert name.startswith("filot_ocr_")
        assert name.endswith(UNITS)
        assert metric.documentation.endswith(".")


def test_labels_are_few_and_never_name_a_document() -> None:
    labels = {label for metric in REGISTRY.collect() for sample in metric.samples for label in sample.labels}

    assert labels <= {"outcome", "device", "code", "stage", "cause", "reason", "result", "le"}


def test_every_cause_of_a_failure_stands_at_nought_from_the_start() -> None:
    raised = {
        call.args[0].value
        for path in SERVICE.rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id in ("DocumentError", "RetriesExceededError")
        and isinstance(call.args[0], ast.Constant)
    }
    counted = {
        sample.labels["code"]
        for metric in REGISTRY.collect()
        for sample in metric.samples
        if metric.name == "filot_ocr_failures"
    }

    assert raised >= {"file_missing", "blank_page"}
    assert counted == raised | REFUSALS.keys()


def test_a_stage_is_timed_whether_or_not_it_succeeds() -> None:
    def count() -> float:
        return REGISTRY.get_sample_value("filot_ocr_stage_seconds_count", {"stage": "parse"}) or 0.0

    before = count()

    with timed("parse"):
        pass
    with pytest.raises(ValueError, match="no card"), timed("parse"):
        raise ValueError("no card")

    assert count() == before + 2
    assert STAGE.labels("parse") is not None


def test_the_gpu_is_asked_and_asked_anew_after_it_was_lost(nvml: FakeNvml) -> None:
    meter = GpuMeter()

    first = meter.read()
    nvml.failure = "GPU is lost"
    lost = meter.read()
    nvml.failure = ""
    again = meter.read()

    assert first == again == GpuUse(memory_used=8 * 2**30, memory_total=16 * 2**30, utilisation=0.5)
    assert lost is None
    assert nvml.initialisations == 2


def test_without_the_drivers_library_there_is_no_gpu_to_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)

    assert GpuMeter().read() is None
