"""From answers to figures, bars and tables."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from bench.accuracy.bars import shortfalls
from bench.accuracy.readers import Answer, Fate
from bench.accuracy.samples import Sample
from bench.accuracy.summary import Summary, Wrongs, aggregate, as_json
from bench.accuracy.table import as_markdown
from bench.accuracy.verdicts import CardVerdict, edits, judge_card, normalised

TRUTH = {
    "nik": "3171234567890123",
    "name": "SITI NUR'AINI, S.H.",
    "birthPlace": "BANDA ACEH",
    "birthDate": "17-08-1990",
    "gender": "PEREMPUAN",
    "address": "JL. MELATI NO. 7",
    "religion": "KATHOLIK",
    "maritalStatus": "KAWIN",
    "village": "DAGO",
}


def verdict(fate: Fate = "approved", level: str = "photo", **read: str) -> CardVerdict:
    """A KTP read without a mistake but for ``read``; an empty value is left out."""
    sample = Sample("card", level, "KTP", b"", TRUTH, None, {})
    values = {key: value for key, value in {**TRUTH, **read}.items() if value}
    reasons = () if fate == "approved" else ("low_score",)
    return judge_card(sample, "onnx", Answer(fate, values, {"nik": 0.5}, reasons), 0.5)


@pytest.mark.parametrize(
    ("key", "printed", "read"),
    [
        ("address", "JL. MELATI NO. 7", "jl.melati NO .7"),
        ("religion", "KATHOLIK", "KATOLIK"),
        ("name", "NUR'AINI", "NUR\u2019AINI"),
    ],
)
def test_what_means_the_same_counts_as_the_same(key: str, printed: str, read: str) -> None:
    assert normalised(key, printed) == normalised(key, read)


@pytest.mark.parametrize(
    ("key", "printed", "read"),
    [("name", "NUR'AINI", "NURAINI"), ("address", "KM 23", "KM23"), ("nik", "317", "311")],
)
def test_a_lost_mark_blank_or_digit_is_a_mistake(key: str, printed: str, read: str) -> None:
    assert normalised(key, printed) != normalised(key, read)


def test_fields_beyond_the_contract_do_not_make_a_card_wrong() -> None:
    card = verdict(village="DAGU", bloodType="O")

    assert card.is_all_right
    assert [field.key for field in card.fields if field.verdict != "right"] == ["village"]


def test_edits_of_a_field_left_out_are_all_its_characters() -> None:
    (name,) = (field for field in verdict(name="").contract if field.key == "name")

    assert edits(name) == len("SITI NUR'AINI,S.H.")


def test_figures_tell_right_fields_cards_and_characters() -> None:
    (summary,) = aggregate([verdict(), verdict(birthPlace="BANDA ACEN")])

    assert (summary.fields, summary.fields_right) == (16, 15)
    assert summary.cards_right == 1
    assert summary.character_error_rate == 1 / summary.characters
    assert summary.by_field["birthPlace"] == (2, 1)
    assert summary.cpu_seconds == 0.5


def test_approved_cards_with_wrong_number_name_or_field_are_counted_apart() -> None:
    cards = [
        verdict(nik="3171234567890124"),
        verdict(name="SITI"),
        verdict(gender="LAKI-LAKI"),
        verdict(maritalStatus=""),
        verdict("review", nik="3171234567890124"),
    ]

    (summary,) = aggregate(cards)

    assert summary.approved == 4
    assert summary.approved_wrong == Wrongs(number=1, name=1, any=3)
    assert summary.approved_incomplete == 1


def test_an_address_on_an_npwp_is_counted_apart_from_the_contracts() -> None:
    truth = {"npwpNumber": "0123456789012345", "name": "SITI", "address": "JL. MELATI"}
    sample = Sample("card", "flat", "NPWP", b"", truth, None, {})
    answer = Answer("approved", truth | {"address": "JL. MELAT"})

    (full,) = aggregate([judge_card(sample, "onnx", answer, 0.5)])
    (plain,) = aggregate([judge_card(sample, "plain", answer, 0.5)])

    assert full.by_field == {"npwpNumber": (1, 1), "name": (1, 1), "address (NPWP)": (1, 0)}
    assert plain.by_field == {"npwpNumber": (1, 1), "name": (1, 1)}


def test_cards_sent_to_a_person_are_told_from_those_that_need_not_have_been() -> None:
    (summary,) = aggregate([verdict("review"), verdict("review", name="SITI"), verdict("refused", nik="")])

    assert (summary.review, summary.review_right, summary.refused) == (2, 1, 1)
    assert summary.reasons == {"low_score": 3}


@pytest.mark.parametrize(
    ("level", "right", "missed"),
    [("flat", 997, 0), ("flat", 996, 1), ("photo", 995, 0), ("app", 984, 1), ("hard", 880, 0), ("own", 1, 0)],
)
def test_each_level_has_its_bar(level: str, right: int, missed: int) -> None:
    summary = replace(_flawless(level), fields=1000, fields_right=right)

    assert len(list(shortfalls([summary]))) == missed


def test_a_wrong_number_approved_misses_the_bar_on_every_level_and_for_both_drivers() -> None:
    wrong = Wrongs(number=1, name=0, any=1)
    summaries = [replace(_flawless(level), approved_wrong=wrong) for level in ("flat", "hard", "pdf")]

    missed = list(shortfalls([*summaries, replace(summaries[0], engine="tesseract")]))

    assert len(missed) == 4
    assert all("wrong number" in sentence for sentence in missed)


def test_a_wrong_name_approved_misses_the_bar_of_hard_only() -> None:
    wrong = Wrongs(number=0, name=1, any=1)
    summaries = [replace(_flawless(level), approved_wrong=wrong) for level in ("photo", "hard")]

    missed = list(shortfalls(summaries))

    assert len(missed) == 1
    assert missed[0].startswith("hard")


def test_the_plain_way_has_no_bar() -> None:
    hopeless = replace(
        _flawless("flat"), engine="plain", fields_right=0, approved_wrong=Wrongs(number=9, name=9, any=9)
    )

    assert list(shortfalls([hopeless])) == []


def test_tables_show_engines_side_by_side() -> None:
    summaries = [_flawless("flat"), replace(_flawless("flat"), engine="plain", by_field={"nik": (8, 4)})]

    table = as_markdown("two:", summaries)

    assert "| **nik** | 100 / 50 |" in table
    assert "`onnx` / `plain`" in table


def test_a_share_is_shown_as_whole_only_when_it_is() -> None:
    summary = replace(_flawless("flat"), by_field={"nik": (10_000, 9_999)})

    table = as_markdown("one:", [summary])

    assert "| **nik** | 99.9 |" in table


def test_the_json_tells_each_field_of_each_card() -> None:
    cards = [verdict(name="SITI")]

    written = as_json(aggregate(cards), cards)

    names = [field for field in _fields(written["cards"][0]) if field["key"] == "name"]
    assert names[0]["verdict"] == "wrong"
    assert written["summaries"][0]["fields_right"] == 7


def _fields(card: Mapping[str, list[dict[str, str]]]) -> list[dict[str, str]]:
    return card["fields"]


def _flawless(level: str) -> Summary:
    (summary,) = aggregate([verdict(level=level)])
    return summary
