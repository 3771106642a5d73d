"""What the demo shows and leaves behind."""

import re
from pathlib import Path

import pytest
from rich.console import Console

from devstack.cards import DemoCard
from devstack.run import Outcome, _keep, _report, _table

pytestmark = pytest.mark.slow


def test_terminal_and_report_count_the_same_fields(cards: list[DemoCard], tmp_path: Path) -> None:
    card, console = cards[0], Console(record=True, width=110)
    read = {**card.truth, "name": "SOMEBODY ELSE", "beyond": "what is printed"}
    del read["religion"]
    result = {"parsedResult": read, "outcome": "auto_approved", "gpuProcessed": False, "processingTimeMs": 1}
    outcome = Outcome(card, "id", result, row={})

    console.print(_table([outcome]))
    _report(tmp_path / "demo.html", [outcome], console)

    printed = len(card.truth)
    shown = f"{printed - 2} of {printed}"
    assert re.findall(r"\d+ of \d+", console.export_text()) == [shown]
    assert set(re.findall(r"\d+ of \d+", (tmp_path / "demo.html").read_text())) == {shown}


def test_80_columns_show_the_whole_table(cards: list[DemoCard]) -> None:
    console = Console(record=True, width=80)
    result = {
        **{
            "score": 100,
            "outcome": "pending_manual_review",
            "gpuProcessed": False,
            "processingTimeMs": 12345,
        },
        "parsedResult": {},
    }

    console.print(_table([Outcome(card, "id", result, row={}) for card in cards]))

    shown = console.export_text()
    assert "…" not in shown
    assert all(card.name in shown for card in cards)
    assert shown.count("pending_manual_review") == shown.count("12345") == len(cards)


def test_a_clean_card_of_each_type_stays_as_the_readme_names_it(
    cards: list[DemoCard], tmp_path: Path
) -> None:
    readme = (Path(__file__).parents[3] / "README.md").read_text()
    named = re.findall(r"filot-ocr read build/cards/(\S+) --type (\S+)", readme)

    first = _keep(cards, tmp_path / "cards")

    known = {card.filename: card for card in cards}
    assert [document_type for _, document_type in named] == ["KTP", "NPWP"]
    assert first == tmp_path / "cards" / named[0][0]
    integration = (Path(__file__).parents[3] / "docs" / "integration.md").read_text()
    assert re.findall(r"npm start -- KTP ../../build/cards/(\S+)", integration) == [named[0][0]]
    for filename, document_type in named:
        card = known[filename]
        assert (card.document_type, card.level) == (document_type, "flat")
        assert (tmp_path / "cards" / filename).read_bytes() == card.content
