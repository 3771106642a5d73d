import pytest

from service.reading.documents.dates import find_date


@pytest.mark.parametrize(
    ("text", "value", "repairs"),
    [
        ("17-08-1990", "17-08-1990", 0),
        ("JAKARTA, 17-08-1990", "17-08-1990", 0),
        ("JAKARTA,17 - 08 - 1990", "17-08-1990", 0),
        ("SOLO17/08/1990", "17-08-1990", 0),
        ("17081990", "17-08-1990", 0),
        ("17.08-1990", "17-08-1990", 0),
        ("I7-O8-1990", "17-08-1990", 2),
        ("TERDAFTAR : 29-02-2012", "29-02-2012", 0),
    ],
)
def test_dates_are_found_in_any_print(text: str, value: str, repairs: int) -> None:
    found = find_date(text)

    assert found is not None
    assert (found.value, found.repairs) == (value, repairs)


@pytest.mark.parametrize(
    "text", ["", "31-02-1990", "17-13-1990", "17-08-1790", "17-08-90", "SOLO BOSS", "3174051708900001"]
)
def test_what_is_no_calendar_date_is_left_out(text: str) -> None:
    assert find_date(text) is None
