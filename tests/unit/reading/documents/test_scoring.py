import pytest

from service.reading.documents import regions
from service.reading.documents.fields import DocumentType, Field, Fields
from service.reading.documents.ktp import read_ktp
from service.reading.documents.reasons import UNCERTAIN_FIELDS
from service.reading.documents.scoring import (
    CONTRACT_FIELDS,
    Estimate,
    confirmed_fields,
    judge,
    score,
    uncertain_fields,
)
from tests.unit.reading.documents.printed import ktp_lines, scaled, sure

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
    assert bool(verdict.review_reasons) == (decision == "needs_review")


def test_missing_fields_are_the_reason_when_nothing_else_is() -> None:
    ktp = judge("KTP", sure(without(KTP, "name")))
    npwp = judge("NPWP", sure(without(NPWP, "name")))
    nothing = judge("KTP", {})

    assert ktp.review_reasons == npwp.review_reasons == nothing.review_reasons == ("missing_fields",)
    assert (ktp.score, npwp.score, nothing.score) == (73, 60, 0)


def test_a_field_that_the_score_can_spare_is_no_reason() -> None:
    verdict = judge("KTP", sure(without(KTP, "religion", "address")))

    assert verdict.review_reasons == ()


@pytest.mark.parametrize("fault", ["blurred", "glare", "cut_off", "too_dark", "text_too_small", "unclear"])
def test_a_faulty_picture_goes_to_a_person_however_much_was_read(fault: str) -> None:
    verdict = judge("KTP", sure(KTP), (fault,))

    assert verdict.review_reasons == (fault,)
    assert (verdict.score, verdict.decision) == (74, "needs_review")


def test_a_fault_found_twice_is_named_once_and_before_what_follows_from_it() -> None:
    small = scaled(ktp_lines({"Nama": "", "Agama": "", "Alamat": ""}), 0.5)

    verdict = judge("KTP", read_ktp(small), ("text_too_small",))

    assert verdict.review_reasons == ("text_too_small", "missing_fields")


@pytest.mark.parametrize("fault", ["unreadable", "wrong_document_type"])
def test_what_could_not_be_read_at_all_is_not_called_incomplete(fault: str) -> None:
    verdict = judge("NPWP", {}, (fault,))

    assert verdict.review_reasons == (fault,)
    assert (verdict.score, verdict.decision) == (0, "needs_review")


def test_a_nik_that_no_birth_date_confirms_goes_to_a_person() -> None:
    verdict = judge("KTP", sure(without(KTP, "birthDate")))

    assert verdict.review_reasons == ("nik_unconfirmed",)
    assert (verdict.score, verdict.decision) == (74, "needs_review")


def test_a_nik_of_a_former_region_is_no_reason() -> None:
    verdict = judge("KTP", sure(KTP | {"nik": "9101051708900001"}))

    assert verdict.decision == "auto_approve"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"birthDate": "18-08-1990"}, "nik_birth_date_mismatch"),
        ({"gender": "PEREMPUAN"}, "nik_gender_mismatch"),
        ({"nik": "3174051708900000"}, "nik_implausible"),
        ({"nik": "9974051708900001"}, "nik_unknown_region"),
        ({"nik": "3199051708900001"}, "nik_unknown_region"),
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
        ({"npwpNumber": "3174053208900001"}, "npwp_implausible"),
        ({"npwpNumber": "9974051708900001"}, "nik_unknown_region"),
        ({"npwpNumber": "3174051708900001", "nik": "3174051708900002"}, "npwp_nik_mismatch"),
    ],
)
def test_an_npwp_that_contradicts_itself_goes_to_a_person(change: dict[str, str], reason: str) -> None:
    verdict = judge("NPWP", sure(NPWP | change))

    assert verdict.review_reasons == (reason,)
    assert (verdict.score, verdict.decision) == (74, "needs_review")


def test_an_uncertain_nik_goes_to_a_person_whatever_its_estimate() -> None:
    fields = sure(KTP) | {"nik": Field(KTP["nik"], 0.89)}

    verdict = judge("KTP", fields, (), probable(fields))

    assert verdict.review_reasons == ("low_confidence_nik",)
    assert (verdict.score, verdict.decision) == (74, "needs_review")


def probable(fields: Fields, **others: float) -> dict[str, Estimate]:
    return {key: Estimate(others.get(key, 0.9999)) for key in fields}


@pytest.mark.parametrize(("document_type", "values"), [("KTP", KTP), ("NPWP", NPWP)])
def test_each_contract_field_that_is_probably_wrong_is_named(
    document_type: DocumentType, values: dict[str, str]
) -> None:
    for key in CONTRACT_FIELDS[document_type]:
        verdict = judge(document_type, sure(values), (), probable(sure(values), **{key: 0.5}))

        assert [UNCERTAIN_FIELDS[code] for code in verdict.review_reasons] == [key]
        assert (verdict.score, verdict.decision) == (74, "needs_review")


def test_a_card_is_approved_from_the_limit_on_for_all_of_its_fields_together() -> None:
    estimates = probable(sure(KTP), name=0.95, address=0.95)

    assert judge("KTP", sure(KTP), (), estimates, 0.90).decision == "auto_approve"
    verdict = judge("KTP", sure(KTP), (), estimates, 0.91)

    assert verdict.review_reasons == ("low_confidence_name", "low_confidence_address")


def test_many_small_doubts_together_name_the_largest() -> None:
    estimates = {key: Estimate(0.98) for key in KTP} | {"address": Estimate(0.97)}

    assert uncertain_fields(estimates, 0.845) == ("low_confidence_address",)
    assert uncertain_fields(estimates, 0.84) == ()
    # None stands out.
    assert uncertain_fields({"nik": Estimate(0.9), "name": Estimate(0.9)}, 0.9) == (
        *("low_confidence_nik", "low_confidence_name"),
    )


def test_the_faults_at_a_doubtful_value_are_named_before_it_and_those_at_others_are_not() -> None:
    estimates = probable(sure(KTP)) | {
        "name": Estimate(0.6, ("blurred", "text_too_small")),
        "address": Estimate(0.9999, ("unclear",)),
    }

    verdict = judge("KTP", sure(KTP), (), estimates)

    assert verdict.review_reasons == ("blurred", "text_too_small", "low_confidence_name")


def test_a_limit_of_zero_leaves_the_contradictions() -> None:
    fields = sure(KTP | {"birthDate": "18-08-1990"})

    assert judge("KTP", sure(KTP), (), probable(fields, name=0.01), 0.0).decision == "auto_approve"
    assert judge("KTP", fields, (), probable(fields), 0.0).review_reasons == ("nik_birth_date_mismatch",)


@pytest.mark.parametrize(
    ("values", "confirmed"),
    [
        (KTP, {"nik", "birthDate", "gender", "religion", "maritalStatus"}),
        # JAKARTA is no regency; SEMARANG is one.
        (KTP | {"birthPlace": "SEMARANG"}, {*KTP} - {"name", "address"}),
        (KTP | {"birthDate": "18-08-1990"}, {"gender", "religion", "maritalStatus"}),
        (KTP | {"gender": "PEREMPUAN"}, {"birthDate", "religion", "maritalStatus"}),
        (KTP | {"nik": "9974051708900001"}, {"birthDate", "gender", "religion", "maritalStatus"}),
        (without(KTP, "nik"), {"religion", "maritalStatus"}),
        # A blank less than in the list: it may be lost.
        (KTP | {"birthPlace": "HULUSUNGAITENGAH"}, {*KTP} - {"name", "address", "birthPlace"}),
    ],
)
def test_values_vouch_for_themselves_where_the_card_or_a_list_says_the_same(
    values: dict[str, str], confirmed: set[str]
) -> None:
    assert confirmed_fields("KTP", sure(values)) == confirmed


def test_a_word_of_low_confidence_vouches_for_nothing() -> None:
    fields = sure(KTP) | {"religion": Field("ISLAM", 0.85)}

    assert "religion" not in confirmed_fields("KTP", fields)


def test_an_npwp_that_is_the_nik_printed_below_vouches_for_itself() -> None:
    number = KTP["nik"]

    assert confirmed_fields("NPWP", sure({"npwpNumber": number, "nik": number})) == {"npwpNumber"}
    assert confirmed_fields("NPWP", sure(NPWP)) == frozenset()


def test_a_reason_for_review_never_raises_a_score() -> None:
    fields = sure({"nik": KTP["nik"], "birthDate": "18-08-1990"})

    verdict = judge("KTP", fields)

    assert verdict.score == score("KTP", fields) == 35
    assert verdict.review_reasons == ("nik_birth_date_mismatch", "missing_fields")


@pytest.mark.parametrize(
    "read", ["31740517089O0001", "31740517089000O1", "3174O51708900001", "3I74051708900001"]
)
def test_one_repaired_digit_sends_a_nik_to_a_person(read: str) -> None:
    fields = read_ktp(ktp_lines({"NIK": read}))

    verdict = judge("KTP", fields)

    assert fields["nik"].value == "3174051708900001"
    assert verdict.review_reasons == ("low_confidence_nik",)


@pytest.mark.parametrize("digit", "0123456789")
@pytest.mark.parametrize("place", [*range(4), *range(6, 12)])
def test_a_nik_with_a_misread_digit_where_the_card_says_more_is_never_approved(
    place: int, digit: str
) -> None:
    misread = KTP["nik"][:place] + digit + KTP["nik"][place + 1 :]
    is_region = regions.is_known(misread[:4])

    verdict = judge("KTP", sure(KTP | {"nik": misread}))

    # A region says where its holder was registered first, so that another one is no contradiction.
    expected = "auto_approve" if misread == KTP["nik"] or (place < 4 and is_region) else "needs_review"
    assert verdict.decision == expected
