import hashlib
from pathlib import Path

import pytest

from devstack.regions import REGIONS
from service.reading.documents import regions


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("31", "DKI JAKARTA"),
        ("31", "DAERAH KHUSUS IBUKOTA JAKARTA"),
        ("34", "D.I. YOGYAKARTA"),
        ("3174", "JAKARTA SELATAN"),
        ("3174", "KOTA ADM. JAKARTA SELATAN"),
        ("3403", "KABUPATEN GUNUNG KIDUL"),
        ("3310", "KAB. KLATEN"),
        ("9671", "KOTA SORONG"),
    ],
)
def test_codes_are_those_of_todays_regions_however_a_card_writes_them(code: str, name: str) -> None:
    assert regions.is_known(code)
    assert regions.is_named(code, name)


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("9101", "MERAUKE"),
        ("9271", "KOTA SORONG"),
        ("1212", "TOBA SAMOSIR"),
        ("11", "NANGGROE ACEH DARUSSALAM"),
    ],
)
def test_codes_and_names_of_earlier_years_stay_known(code: str, name: str) -> None:
    assert regions.is_known(code)
    assert regions.is_named(code, name)


@pytest.mark.parametrize("code", ["99", "3199", "3100", "", "317405"])
def test_other_digits_are_unknown(code: str) -> None:
    assert not regions.is_known(code)
    assert not regions.is_named(code, "JAKARTA SELATAN")


def test_a_region_is_not_named_by_nothing() -> None:
    assert not regions.is_named("3174", "")


def test_the_regencies_of_a_province_have_their_names_with_and_without_the_kind() -> None:
    names = regions.regency_names("DI YOGYAKARTA")

    assert {"KOTA YOGYAKARTA", "YOGYAKARTA", "KABUPATEN SLEMAN", "SLEMAN"} < {*names}
    assert len(names) == 10
    assert regions.regency_names("ATLANTIS") == ()


def test_invented_people_live_in_known_regions() -> None:
    for region in REGIONS:
        assert regions.is_named(region.code[:2], region.province)
        assert regions.is_named(region.code[:4], region.city)


def test_the_list_is_the_derived_one() -> None:
    content = (Path(regions.__file__).parent / "codes.csv").read_bytes()

    sums = hashlib.sha256(content).hexdigest()

    assert sums == "f082ed8d80637fd1137c8481534772d3e36468dee5ab9edb79d0e695f3263322"
