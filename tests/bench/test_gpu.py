"""The GPU bench runs wherever it is called: with a GPU it measures, without one it says why not."""

from pathlib import Path

import pytest

from bench.gpu.__main__ import NO_GPU, bench_cards, main, measure, out_of_memory
from bench.gpu.runs import CardText
from bench.gpu.sameness import compare
from service.reading.ocr.tuning import GpuTuning
from tests.support import fake_cuda, fake_nvml


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
        ["--cards=2", "--batches=2", "--threads=1,2", "--soak=2", "--limits=64", f"--markdown={results}"]
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
    assert "Against the CPU, on 2 cards: 2 with every field the same" in written
    assert "Against the same networks and sizes on the CPU, on 2 cards: 2 with every field" in written
    assert "2 with the same text, 2 with the same text but for blanks; 0 of" in written
    assert "GPU memory over 2 cards: 8192 MiB" in written
    assert "0 batches did not fit" in written


@pytest.mark.parametrize(
    ("room", "said"),
    [(0, "With 64 MiB a network no page fits: the GPU has too little memory"), (1, " batches did not fit")],
)
def test_what_comes_of_too_little_memory_is_told(
    monkeypatch: pytest.MonkeyPatch, room: int, said: str
) -> None:
    fake_nvml.install(monkeypatch)
    cuda = fake_cuda.install(monkeypatch)
    cards = bench_cards(2)
    (best,) = measure(cards, GpuTuning(max_inputs=4), [2])
    cuda.room = room

    sentence = out_of_memory(cards, GpuTuning(max_inputs=4, memory_limit=64 * 2**20), best)

    assert said in sentence
    assert ": 0 batches" not in sentence
    assert (" 2 of 2 cards with the same text" in sentence) is (room > 0)


def test_a_card_that_fails_for_lack_of_memory_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    fake_nvml.install(monkeypatch)
    cuda = fake_cuda.install(monkeypatch)
    cards = bench_cards(1)
    (best,) = measure(cards, GpuTuning(max_inputs=1), [1])
    cuda.at_run[len(cuda.runs) + 1] = fake_cuda.OVER_THE_LIMIT

    sentence = out_of_memory(cards, GpuTuning(max_inputs=1, memory_limit=64 * 2**20), best)

    assert "which a worker then reads on the CPU: the GPU has too little memory" in sentence


def test_blanks_are_told_from_other_differences() -> None:
    cpu = [CardText("NIK : 1\nNAMA", {"nik": "1"}), CardText("A", {"name": "A"}), CardText("B", {})]
    gpu = [CardText("NIK:1\nNAMA", {"nik": "1"}), CardText("A", {"name": "A"}), CardText("8", {"name": "8"})]

    same = compare(gpu, cpu)

    assert (same.cards, same.same_text, same.same_but_blanks, same.same_fields) == (3, 1, 2, 2)
    assert (same.lines, same.other_lines) == (4, 1)
