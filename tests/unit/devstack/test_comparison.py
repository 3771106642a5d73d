"""Right, wrong, missed, extra."""

import pytest

from devstack.comparison import compare_fields


def test_every_field_printed_or_read_gets_a_verdict() -> None:
    truth = {"nik": "1", "name": "BUNGA UTAMI", "religion": "HINDU"}
    read = {"nik": "1", "name": "BUNGA UTAM", "bloodType": "O"}

    verdicts = {field.key: field.verdict for field in compare_fields(truth, read)}

    assert verdicts == {"nik": "right", "name": "wrong", "religion": "missed", "bloodType": "extra"}


@pytest.mark.parametrize(
    ("read", "verdict"),
    [("JL.MELATI NO.3", "right"), ("JL. MELATI NO . 3", "right"), ("JL. MEL ATI NO. 3", "wrong")],
)
def test_spaces_count_between_words_but_not_beside_punctuation(read: str, verdict: str) -> None:
    (field,) = compare_fields({"address": "JL. MELATI NO. 3"}, {"address": read})

    assert field.verdict == verdict


def test_confidences_go_with_their_fields() -> None:
    fields = compare_fields({"nik": "1", "name": "A"}, {"nik": "1"}, {"nik": 0.9})

    assert [field.confidence for field in fields] == [0.9, None]
