"""The bench as it is started."""

import json
import subprocess
import sys
from pathlib import Path

from bench.accuracy.samples import invent_sample


def test_a_run_prints_the_tables_and_writes_figures_and_pictures(tmp_path: Path) -> None:
    run = _bench(
        "--cards", "1", "--seed", "3", "--levels", "flat", "--engine", "onnx", "--out", str(tmp_path)
    )

    written = json.loads((tmp_path / "results.json").read_text())
    assert run.returncode in {0, 1}, run.stderr
    assert "seeds 3 to 3 (for development)" in run.stdout
    assert "| flat | `onnx` | 1 |" in run.stdout
    assert [(card["level"], card["engine"]) for card in written["cards"]] == [("flat", "onnx")]
    assert "<h1>Accuracy bench</h1>" in (tmp_path / "report.html").read_text()


def test_own_cards_are_read_and_what_is_wrong_is_shown_with_a_picture(tmp_path: Path) -> None:
    sample = invent_sample("flat", 3)
    (tmp_path / "card.jpg").write_bytes(sample.content)
    entry = {"file": "card.jpg", "type": "NPWP", **sample.truth, "name": "SOMEONE ELSE"}
    (tmp_path / "truth.json").write_text(json.dumps([entry]))

    run = _bench("--own", str(tmp_path), "--engine", "onnx", "--out", str(tmp_path / "out"))

    page = (tmp_path / "out" / "report.html").read_text()
    assert run.returncode == 0, run.stderr
    assert "1 own cards" in run.stdout
    assert "SOMEONE ELSE" in page
    assert "data:image/jpeg;base64," in page


def test_a_folder_without_truths_ends_with_one_line(tmp_path: Path) -> None:
    run = _bench("--own", str(tmp_path))

    assert run.returncode == 2
    assert "truth.json" in run.stdout
    assert "Traceback" not in run.stdout + run.stderr


def _bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bench.accuracy", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)
