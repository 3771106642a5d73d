"""The GPU bench runs wherever it is called: with a GPU it measures, without one it says why not."""

from pathlib import Path

import pytest

from bench.gpu.__main__ import NO_GPU, main
from bench.gpu.runs import CardText
from bench.gpu.sameness import compare
from tests import fake_cuda, fake_nvml


def test_without_a_gpu_one_line_says_why_and_nothing_counts_as_measured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fake_nvml.install(monkeypatch).failure = "Driver Not Loaded"

    code = main([])

    assert code == NO_GPU
    said = capsys.readouterr().out
    assert said == "No GPU to measure: no usable NVIDIA driver or GPU: Driver Not Loaded.\n"


def test_with_a_gpu_every_setting_gets_a_row_and_the_rest_a_sentence_each(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fake_nvml.install(monkeypatch)
    fake_cuda.install(monkeypatch)
    results = tmp_path / "results.md"

    code = main(
        ["--cards=2", "--batches=2", "--threads=1,2", "--soak=2", "--limit=64", f"--markdown={results}"]
    )

    assert code == 0
    written = results.read_text()
    settings = [row.split("|")[1:3] for row in written.splitlines() if row.startswith("|")][2:]
    assert [[cell.strip() for cell in row] for row in settings][1:] == [
        ["2", "1"],
        ["2", "2"],
    ]
    assert "Fake GPU, driver 550.54" in written
    assert "for CUDA 12.8" in written
    assert "Against the CPU on 2 cards: 2 with every field the same" in written
    assert "GPU memory over 2 cards: 8192 MiB" in written
    assert "0 batches did not fit" in written


def test_blanks_are_told_from_other_differences() -> None:
    cpu = [CardText("NIK : 1\nNAMA", {"nik": "1"}), CardText("A", {"name": "A"}), CardText("B", {})]
    gpu = [CardText("NIK:1\nNAMA", {"nik": "1"}), CardText("A", {"name": "A"}), CardText("8", {"name": "8"})]

    same = compare(gpu, cpu)

    assert (same.cards, same.same_text, same.same_but_blanks, same.same_fields) == (3, 1, 2, 2)
    assert (same.lines, same.other_lines) == (4, 1)
