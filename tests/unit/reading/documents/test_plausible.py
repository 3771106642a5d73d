"""Spellings that are probably misread."""

import pytest

from service.reading.documents.plausible import count_bare_abbreviations, count_misspellings


@pytest.mark.parametrize(
    ("key", "read", "printed"),
    [
        ("address", "JL. MELATINO. 99", "JL. MELATI NO. 99"),
        ("address", "PURI KENCANA BLOKC7", "PURI KENCANA BLOK C7"),
        ("address", "KOMP. DEPKES NO,98", "KOMP. DEPKES NO. 98"),
        ("address", "GG. MAWAR NO. 7.", "GG. MAWAR NO. 7"),
        ("address", "JL.. MELATI", "JL. MELATI"),
        ("address", "BANDA.ACEH BLOK 3", "BANDA ACEH BLOK 3"),
        ("address", "DUSUN KRAJAN BLOK.F NO.2", "DUSUN KRAJAN BLOK F NO.2"),
        ("address", "J.MELATI NO.5", "JL.MELATI NO.5"),
        ("name", "FITRID'COSTA", "FITRI D'COSTA"),
        ("name", "FA.JAR WIBOWO", "FAJAR WIBOWO"),
        ("name", "F'ITRI WIBOWO", "FITRI WIBOWO"),
        ("name", "SYAF'I'I WIBOWO", "SYAFI'I WIBOWO"),
        ("address", "LINGK.BARU TENGAH NO78", "LINGK.BARU TENGAH NO 78"),
        ("address", "JL.MELATI KAV.:195", "JL.MELATI KAV.195"),
        ("name", "DIMAS PURNOMO, S.H", "DIMAS PURNOMO, S.H."),
        ("name", "TEGUH YULIANTO,ST.,MT", "TEGUH YULIANTO,ST,MT"),
        ("name", "TEGUH YULIANTO,ST.MT", "TEGUH YULIANTO,ST,MT"),
        ("name", "TEGUH YULIANTO.ST. MT", "TEGUH YULIANTO,ST,MT"),
        ("name", "TEGUH YULIANTO. SE.AK", "TEGUH YULIANTO, SE.AK"),
        ("address", "JL. MELATI BLOK F. NO. 39", "JL. MELATI BLOK F NO. 39"),
        ("name", "SITI HADI KUSUMA M.SI", "SITI HADI KUSUMA,M.SI"),
        ("name", "WAYAN JOKO", "I WAYAN JOKO"),
        ("name", "LESTARI WJAYA", "LESTARI WIJAYA"),
        ("name", "SYAFI I RAHAYU", "SYAFI'I RAHAYU"),
        ("name", "NILUH PUTRI", "NI LUH PUTRI"),
        ("birthPlace", "GUNUNG SITOLL", "GUNUNG SITOLI"),
        ("birthPlace", "SURABAJA", "SURABAYA"),
        ("birthPlace", "MAGE LANG", "MAGELANG"),
        ("birthPlace", "TANJUNG PI NANG", "TANJUNGPINANG"),
        ("address", "DSN. KRAJAN LOR NO:: 21", "DSN. KRAJAN LOR NO: 21"),
        ("address", "JL. CEMPAKA PUTIH KAV. 147 E", "JL. CEMPAKA PUTIH KAV. 147E"),
        ("name", "I WAYAN FAJAR B. .ALFARISI", "I WAYAN FAJAR B. ALFARISI"),
        ("address", "DK. NGASEM WETAN. NO. 77", "DK. NGASEM WETAN NO. 77"),
        ("address", "TAMAN SARI REGENCY BLOK. A NO. 18", "TAMAN SARI REGENCY BLOK A NO. 18"),
        ("address", "DSN. KRAJAN LOR NO", "DSN. KRAJAN LOR NO 1"),
    ],
)
def test_a_misreading_is_counted_and_what_is_printed_is_not(key: str, read: str, printed: str) -> None:
    assert count_misspellings(key, read) > 0
    assert count_misspellings(key, printed) == 0


@pytest.mark.parametrize(
    ("key", "printed"),
    [
        ("address", "JL. RAYA BOGOR KM 23 RT 01 RW 02"),
        ("address", "GG. MELATI I NO. 5"),
        ("name", "I WAYAN SUDIRTA"),
        ("name", "DEWI I. SETIAWAN"),
        ("name", "MA'RUF D'COSTA"),
        ("name", "ABD.RAHMAN O'BRIEN,S.KOM"),
        ("name", "J.SMITH"),
        ("address", "LINGK.BARU TENGAH PERUM.ASRI KAV.3"),
    ],
)
def test_ordinary_spellings_are_not_counted(key: str, printed: str) -> None:
    assert count_misspellings(key, printed) == 0


def test_abbreviations_without_their_stop_are_counted_words_are_not() -> None:
    assert count_bare_abbreviations("JL MELATI NO 5 DS SUMBER REJO") == 3
    assert count_bare_abbreviations("JL. MELATI NO. 5 PERUM GRIYA ASRI BLOK A") == 0
