import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.contenders import Run
from bench.markdown import marks, replace_block
from bench.plain import find_fields
from bench.processes import cpu_seconds
from bench.summary import Measured, aggregate, as_markdown, count_right
from devstack.cards import DemoCard, sample_cards


def test_the_plain_way_finds_the_fields_of_a_ktp_in_clean_text() -> None:
    text = (
        "NIK : 3404126212769928\n\nNama : INDAH PRATAMA\nTempat/Tgl Lahir : MAGELANG, 22-12-1976\n"
        "Jenis Kelamin : PEREMPUAN Gol. Darah: A\nAlamat : JL. CEMPAKA PUTIH\nNO. 198\nRT/RW : 012/006\n"
        "Agama : ISLAM\nStatus Perkawinan : CERAI MATI SLEMAN\n"
    )

    fields = find_fields(text, "KTP")

    assert fields == {
        "nik": "3404126212769928",
        "name": "INDAH PRATAMA",
        "birthPlace": "MAGELANG",
        "birthDate": "22-12-1976",
        "gender": "PEREMPUAN",
        "address": "JL. CEMPAKA PUTIH NO. 198",
        "religion": "ISLAM",
        "maritalStatus": "CERAI MATI",
    }


@pytest.mark.parametrize("number", ["47.027.228.7-889.000", "0470272287889000"])
def test_the_plain_way_finds_the_fields_of_an_npwp_in_clean_text(number: str) -> None:
    text = f"DIREKTORAT JENDERAL PAJAK\n\nNPWP : {number}\n\nYULIANA ALFARISI\n\nJL. KENANGA RAYA\n"

    fields = find_fields(text, "NPWP")

    assert fields == {"npwpNumber": number, "name": "YULIANA ALFARISI"}


def test_only_contract_fields_of_the_asked_level_count_as_right() -> None:
    cards = _two_cards()
    first = dict(cards[0].truth)
    run = _run(1.0, [first | {"name": "SOMEONE ELSE"}, dict(cards[1].truth)])

    right, total = count_right(cards, run, "flat")

    assert (right, total) == (7 + 2, 8 + 2)
    assert count_right(cards, run, "photo") == (0, 0)


def test_a_share_of_the_bare_engine_is_taken_round_by_round() -> None:
    cards = _two_cards()
    engine = Measured("engine", [_run(1.0), _run(4.0)])
    worker = Measured("worker", [_run(2.0), _run(5.0)])

    summary = aggregate(cards, [worker, engine], engine, [(worker, engine)], [1.0, 2.0])

    assert summary.rows[0][2] == "65% (50%-80%)"
    assert summary.rows[1][2] == ""


def test_a_way_that_could_not_run_says_why() -> None:
    engine = Measured("engine", [_run(1.0)])
    absent = Measured("plain", (), absence="not installed")

    summary = aggregate(_two_cards(), [engine, absent], engine, [(engine, absent)], [1.0, 2.0])

    assert summary.rows[1][:2] == ["plain", "not installed"]
    assert "| plain | not installed |" in as_markdown(summary, {"cores": "2"})


def test_only_the_text_between_the_marks_is_replaced(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    begin, end = marks("bench")
    page.write_text(f"before\n{begin}\nold\n{end}\nafter\n")

    replace_block(page, "bench", "new")

    assert page.read_text() == f"before\n{begin}\n\nnew\n\n{end}\nafter\n"


def test_a_page_without_marks_is_left_alone(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("nothing here\n")

    with pytest.raises(ValueError, match="has no"):
        replace_block(page, "bench", "new")

    assert page.read_text() == "nothing here\n"


@pytest.mark.skipif(not Path("/proc").exists(), reason="counts CPU time as Linux tells it")
def test_cpu_time_counts_children_that_still_run() -> None:
    burn = "import time\nwhile time.process_time() < 0.3: pass\nprint('done', flush=True)\ninput()"
    before = cpu_seconds(os.getpid())

    with subprocess.Popen(
        [sys.executable, "-c", burn], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        after = cpu_seconds(os.getpid())
        child.communicate(b"\n")

    # /proc rounds each of its counts down to a tick, a hundredth of a second.
    assert after - before >= 0.25


def _two_cards() -> list[DemoCard]:
    return sample_cards(1, 2, "flat")


def _run(seconds: float, fields: list[dict[str, str]] | None = None) -> Run:
    return Run(seconds, cpu_seconds=1.0, other_cpu_seconds=0.0, fields=fields or [{}, {}])
