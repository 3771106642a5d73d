"""People who do not exist, yet agree with themselves."""

import random
from datetime import date

from devstack.people import invent_person, luhn_check_digit
from devstack.regions import REGIONS
from service.reading.documents import nik, npwp_number

PEOPLE = [invent_person(random.Random(seed)) for seed in range(300)]


def test_the_same_seed_invents_the_same_person() -> None:
    first, second = random.Random(11), random.Random(11)

    people = invent_person(first), invent_person(second)

    assert people[0] == people[1]


def test_a_nik_tells_region_birth_date_and_sex_of_its_holder() -> None:
    codes = {region.code for region in REGIONS}

    for person in PEOPLE:
        day = person.birth_date.day + (40 if person.gender == "PEREMPUAN" else 0)

        assert person.nik[:6] in codes
        assert person.nik[6:12] == f"{day:02}{person.birth_date:%m%y}"
        assert len(person.nik) == 16
        assert person.nik.isdigit()


def test_most_niks_are_from_where_their_holder_lives_and_some_from_elsewhere() -> None:
    at_home = sum(person.nik[:6] == person.region.code for person in PEOPLE)

    assert 0.75 * len(PEOPLE) < at_home < 0.95 * len(PEOPLE)


def test_no_invented_nik_can_be_a_real_persons() -> None:
    # Serials count the people registered for one birthday in one district: none gets near 9000.
    assert all(int(person.nik[12:]) >= 9000 for person in PEOPLE)


def test_the_service_finds_no_fault_with_an_invented_nik() -> None:
    for person in PEOPLE:
        assert nik.is_plausible(person.nik)
        assert nik.matches_birth_date(person.nik, person.birth_date)
        assert nik.gender_of(person.nik) == person.gender


def test_an_invented_npwp_passes_the_check_of_its_first_nine_digits() -> None:
    for person in PEOPLE:
        assert len(person.npwp) == 15
        assert person.npwp[8] == luhn_check_digit(person.npwp[:8])
        assert npwp_number.is_plausible(person.npwp)


def test_luhn_gives_the_check_digit_of_the_standards_example() -> None:
    assert luhn_check_digit("7992739871") == "3"


def test_holders_are_grown_up_when_their_card_is_issued() -> None:
    for person in PEOPLE:
        seventeenth = date(person.birth_date.year + 17, person.birth_date.month, 1)

        assert person.issued >= seventeenth


def test_names_come_in_the_forms_that_cards_print() -> None:
    names = {person.name for person in PEOPLE}

    assert any(" " not in name for name in names)
    assert any(name.startswith(("DRS. H. ", "DRA. HJ. ")) for name in names)
    assert any(name.endswith(", S.KOM") for name in names)
    assert any("'" in name for name in names)
    assert any(name.count(" ") >= 3 for name in names)
    assert any(" BIN " in name or " BINTI " in name for name in names)
    assert max(map(len, names)) <= 30


def test_addresses_have_one_line_or_two() -> None:
    assert {len(person.address) for person in PEOPLE} == {1, 2}
