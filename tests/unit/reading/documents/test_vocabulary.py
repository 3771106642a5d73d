import pytest

from service.reading.documents.vocabulary import GENDERS, MARITAL_STATUSES, NATIONALITIES, RELIGIONS, nearest


@pytest.mark.parametrize(
    ("text", "words", "value"),
    [
        ("ISLAM", RELIGIONS, "ISLAM"),
        ("1SLAM", RELIGIONS, "ISLAM"),
        ("ISIAM", RELIGIONS, "ISLAM"),
        ("KATHOLIK", RELIGIONS, "KATHOLIK"),
        ("KATOLIK", RELIGIONS, "KATOLIK"),
        ("BUDHA", RELIGIONS, "BUDHA"),
        ("KHONGHUCV", RELIGIONS, "KHONGHUCU"),
        ("KAWIN", MARITAL_STATUSES, "KAWIN"),
        ("BELUMKAWIN", MARITAL_STATUSES, "BELUM KAWIN"),
        ("CERAI H1DUP", MARITAL_STATUSES, "CERAI HIDUP"),
        ("KAWIN JAKARTA SELATAN", MARITAL_STATUSES, "KAWIN"),
        ("LAK-LAKG", tuple(GENDERS), "LAKI-LAKI"),
        ("KATHOUK", RELIGIONS, "KATHOLIK"),
        ("CERAMAT", MARITAL_STATUSES, "CERAI MATI"),
        ("WN1", NATIONALITIES, "WNI"),
    ],
)
def test_misread_text_means_the_nearest_word(text: str, words: tuple[str, ...], value: str) -> None:
    word = nearest(text, words)

    assert word is not None
    assert word.value == value


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", RELIGIONS),
        ("-", RELIGIONS),
        ("JAKARTA", RELIGIONS),
        ("CERAI", MARITAL_STATUSES),
        ("WN", NATIONALITIES),
    ],
)
def test_text_that_could_mean_two_words_or_none_means_none(text: str, words: tuple[str, ...]) -> None:
    assert nearest(text, words) is None
