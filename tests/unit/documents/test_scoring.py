import pytest

from service.documents.fields import Field
from service.documents.ktp import read_ktp
from service.documents.npwp import read_npwp
from service.documents.scoring import cross_checks, judge, score
from tests.unit.documents.printed import ktp_lines, npwp_lines, scaled, sure

KTP = {
    "nik": "3174051708900001",
    "name": "BUDI SANTOSO",
    "birthPlace": "JAKARTA",
    "birthDate": "17-08-1990",
    "gender": "LAKI-LAKI",
    "address": "JL. MELATI NO. 5",
    "religion": "ISLAM",
    "maritalStatus": "KAWIN",
}
NPWP = {"npwpNumber": "09.254.294.3-407.000", "name": "BUDI SANTOSO"}


def without(values: dict[str, str], *keys: str) -> dict[str, str]:
    return {key: value for key, value in values.items() if key not in keys}


@pytest.mark.parametrize(
    ("values", "points"),
    [
        (KTP, 90),  # 60 + 20 + 10
        (without(KTP, "religion"), 83),  # 52.5 + 30 = 82.5, and halves go up
        (without(KTP, "religion", "address"), 75),  # 45 + 30
        (without(KTP, "religion", "address", "gender"), 68),  # 37.5 + 30
        (without(KTP, "nik"), 63),  # 52.5 + 10
        (without(KTP, "name"), 73),  # 52.5 + 20
        (KTP | {"name": "ANI"}, 80),  # 60 + 20: a name of three letters
        (KTP | {"village": "SENAYAN", "bloodType": "O"}, 90),  # added fields do not count
        ({"nik": KTP["nik"]}, 28),  # 7.5 + 20 = 27.5
        ({}, 0),
    ],
)
def test_ktp_scores_are_the_contracts(values: dict[str, str], points: int) -> None:
    assert score("KTP", sure(values)) == points


@pytest.mark.parametrize(
    ("values", "points"),
    [
        (NPWP, 90),  # 60 + 30
        (NPWP | {"npwpNumber": "0092542943407000"}, 90),
        (NPWP | {"npwpNumber": "092542943407000"}, 60),  # 15 digits without their dots are not well formed
        (without(NPWP, "name"), 60),  # 30 + 30
        (without(NPWP, "npwpNumber"), 30),
        ({"address": "JL. MELATI"}, 0),
    ],
)
def test_npwp_scores_are_the_contracts(values: dict[str, str], points: int) -> None:
    assert score("NPWP", sure(values)) == points


@pytest.mark.parametrize(
    ("values", "decision", "outcome"),
    [
        (without(KTP, "religion", "address"), "auto_approve", "auto_approved"),
        (without(KTP, "name"), "needs_review", "pending_manual_review"),
    ],
)
def test_75_approves_and_less_goes_to_a_person(values: dict[str, str], decision: str, outcome: str) -> None:
    verdict = judge("KTP", sure(values))

    assert (verdict.decision, verdict.outcome) == (decision, outcome)
    assert verdict.review_reasons == ()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"birthDate": "18-08-1990"}, "nik_birth_date_mismatch"),
        ({"gender": "PEREMPUAN"}, "nik_gender_mismatch"),
        ({"nik": "9974051708900001"}, "nik_implausible"),
    ],
)
def test_a_ktp_that_contradicts_itself_goes_to_a_person(change: dict[str, str], reason: str) -> None:
    verdict = judge("KTP", sure(KTP | change))

    assert verdict.review_reasons == (reason,)
    assert verdict.decision == "needs_review"
    assert verdict.score == 74


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"npwpNumber": "09.254.294.4-407.000"}, "npwp_implausible"),
        ({"npwpNumber": "3174051708900001", "nik": "3174051708900002"}, "npwp_nik_mismatch"),
    ],
)
def test_an_npwp_that_contradicts_itself_goes_to_a_person(change: dict[str, str], reason: str) -> None:
    verdict = judge("NPWP", sure(NPWP | change))

    assert verdict.review_reasons == (reason,)
    assert (verdict.score, verdict.decision) == (74, "needs_review")


@pytest.mark.parametrize(("key", "reason"), [("nik", "low_confidence_nik"), ("name", "low_confidence_name")])
def test_an_uncertain_nik_or_name_goes_to_a_person(key: str, reason: str) -> None:
    fields = sure(KTP) | {key: Field(KTP[key], 0.89)}

    verdict = judge("KTP", fields)

    assert verdict.review_reasons == (reason,)
    assert (verdict.score, verdict.decision) == (74, "needs_review")


def test_a_reason_for_review_never_raises_a_score() -> None:
    fields = sure({"nik": KTP["nik"], "birthDate": "18-08-1990"})

    verdict = judge("KTP", fields)

    assert verdict.score == score("KTP", fields) == 35


def test_one_repaired_digit_sends_a_nik_to_a_person() -> None:
    fields = read_ktp(ktp_lines({"NIK": "31740517089O0001"}))

    verdict = judge("KTP", fields)

    assert fields["nik"].value == "3174051708900001"
    assert verdict.review_reasons == ("low_confidence_nik",)


@pytest.mark.parametrize(("width", "reasons"), [(1011, ()), (700, ()), (500, ("text_too_small",))])
def test_a_card_of_few_pixels_goes_to_a_person(width: int, reasons: tuple[str, ...]) -> None:
    ktp = scaled(ktp_lines(), width / 1011)
    npwp = scaled(npwp_lines("NPWP : 09.254.294.3-407.000", "SITI AMINAH"), width / 1011)

    assert cross_checks("KTP", read_ktp(ktp)) == reasons
    assert cross_checks("NPWP", read_npwp(npwp)) == reasons
