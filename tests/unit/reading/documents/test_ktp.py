from dataclasses import replace

import pytest

from service.reading.documents.ktp import read_ktp
from service.reading.ocr.engine import Box, TextLine
from tests.unit.reading.documents.printed import (
    KTP,
    joined_ktp_lines,
    ktp_lines,
    line,
    read_values,
    seen_from_the_left,
    tilted,
)

EXPECTED = {
    "nik": "3174051708900001",
    "name": "BUDI SANTOSO",
    "birthPlace": "JAKARTA",
    "birthDate": "17-08-1990",
    "gender": "LAKI-LAKI",
    "bloodType": "O",
    "address": "JL. MELATI NO. 5",
    "rtRw": "004/007",
    "village": "SENAYAN",
    "district": "KEBAYORAN BARU",
    "religion": "ISLAM",
    "maritalStatus": "BELUM KAWIN",
    "occupation": "KARYAWAN SWASTA",
    "nationality": "WNI",
    "validUntil": "SEUMUR HIDUP",
    "province": "DKI JAKARTA",
    "city": "JAKARTA SELATAN",
}

MISREAD_LABELS = {
    "NIK": "NlK",
    "Nama": "Narna",
    "Tempat/Tgl Lahir": "Tempat/Tgl Lahlr",
    "Jenis Kelamin": "Jenis kelamln",
    "Alamat": "A1amat",
    "RT/RW": "RTIRW",
    "Kel/Desa": "KelDesa",
    "Kecamatan": "Kecarnatan",
    "Agama": "AgamaI",
    "Status Perkawinan": "Status Perkaw1nan",
    "Pekerjaan": "Pekeriaan",
    "Kewarganegaraan": "Kewarganegaroan",
    "Berlaku Hingga": "Berlaku Hlngqa",
}


def test_every_field_of_a_clean_card_is_read() -> None:
    lines = ktp_lines()

    fields = read_ktp(lines)

    assert read_values(fields) == EXPECTED


def test_a_misread_label_does_not_take_the_first_letter_of_its_value() -> None:
    lines = ktp_lines(
        {"Tempat/Tgl Lahir": "RANTAU PRAPAT, 14-12-1985"}, {"Tempat/Tgl Lahir": "Tempat/Tgl Lalhi"}, colon=""
    )

    assert read_values(read_ktp(lines))["birthPlace"] == "RANTAU PRAPAT"


@pytest.mark.parametrize(
    ("read", "status"),
    [("MARRIED", "KAWIN"), ("UNMARRIED", "BELUM KAWIN"), ("UGMARRIED", None), ("XKAWIN", "KAWIN")],
)
def test_married_behind_a_misread_colon_is_not_unmarried(read: str, status: str | None) -> None:
    lines = ktp_lines({"Status Perkawinan": read}, colon="")

    assert read_values(read_ktp(lines)).get("maritalStatus") == status


def test_a_value_whose_start_is_hidden_is_indented() -> None:
    whole = ktp_lines()
    name = next(each for each in whole if "SANTOSO" in each.text)
    rest = line("SANTOSO", name.left + 2 * 28, (name.top + name.bottom) / 2)

    hidden = read_ktp([rest if each is name else each for each in whole])

    assert hidden["name"].value == "SANTOSO"
    assert hidden["name"].indent == pytest.approx(2, abs=0.1)
    assert max(field.indent for field in read_ktp(whole).values()) < 0.1


def test_every_field_has_a_confidence_and_the_box_of_its_value() -> None:
    lines = ktp_lines()

    fields = read_ktp(lines)

    assert all(field.confidence == pytest.approx(0.99) for field in fields.values())
    assert all(field.box is not None for field in fields.values())
    name_box = next(one.box for one in lines if "BUDI" in one.text)
    assert fields["name"].box == name_box


def test_misread_labels_are_recognised() -> None:
    lines = ktp_lines(labels=MISREAD_LABELS)

    fields = read_ktp(lines)

    assert read_values(fields) == EXPECTED


@pytest.mark.parametrize("colon", [": ", ":", "; ", ". ", "", "r : "])
def test_a_colon_may_be_misread_or_missing(colon: str) -> None:
    lines = ktp_lines(colon=colon)

    fields = read_ktp(lines)

    assert read_values(fields) == EXPECTED


@pytest.mark.parametrize("between", [" : ", ":", ": ", " ", " ; "])
def test_label_and_value_may_be_one_line(between: str) -> None:
    lines = joined_ktp_lines(between)

    fields = read_ktp(lines)

    assert read_values(fields).items() <= EXPECTED.items()
    assert len(fields) == len(EXPECTED) - len({"bloodType", "province", "city"})


def test_a_value_may_stick_to_its_label() -> None:
    lines = joined_ktp_lines("")

    fields = read_ktp(lines)

    assert read_values(fields).items() <= EXPECTED.items()
    assert fields["name"].value == "BUDI SANTOSO"


def test_a_label_may_be_two_pieces() -> None:
    lines = [one for one in ktp_lines() if one.text != "Jenis Kelamin"]
    y = next((one.top + one.bottom) / 2 for one in lines if "LAKI" in one.text)
    lines += [line("Jenis", 36, y), line("Kelamin", 110, y)]

    fields = read_ktp(lines)

    assert read_values(fields) == EXPECTED


@pytest.mark.parametrize("degrees", [-6, -3, 3, 6])
def test_a_tilted_card_reads_like_a_level_one(degrees: float) -> None:
    lines = tilted(ktp_lines(), degrees)

    fields = read_ktp(lines)

    assert read_values(fields) == EXPECTED


@pytest.mark.parametrize("labels", [None, dict.fromkeys(KTP, "")])
@pytest.mark.parametrize("degrees", [6.0, 0.0, -6.0])
def test_a_card_whose_rows_converge_reads_like_one_seen_from_above(
    degrees: float, labels: dict[str, str] | None
) -> None:
    lines = tilted(seen_from_the_left(ktp_lines(labels=labels), growth=4), degrees)

    fields = read_ktp(lines)

    assert read_values(fields) == EXPECTED


@pytest.mark.parametrize(
    ("read", "place"),
    [
        ("GUNUNG KIDUL,17-08-1990", "GUNUNG KIDUL"),
        ("OGAN KOMERING ILIR, 17-08-1990", "OGAN KOMERING ILIR"),
        ("HULU SUNGAI TENGAH,\n17-08-1990", "HULU SUNGAI TENGAH"),
        ("KOTA BARU 17-08-1990", "KOTA BARU"),
        ("P. SIANTAR, 17 - 08 - 1990", "P. SIANTAR"),
        ("TOLI-TOLI.17/08/1990", "TOLI-TOLI"),
    ],
)
def test_a_place_may_have_several_words(read: str, place: str) -> None:
    lines = ktp_lines({"Tempat/Tgl Lahir": read})

    fields = read_ktp(lines)

    assert fields["birthPlace"].value == place
    assert fields["birthDate"].value == "17-08-1990"


@pytest.mark.parametrize(
    ("read", "address"),
    [
        ("JL. MELATI NO.5\nGRIYA ASRI BLOK A2", "JL. MELATI NO. 5 GRIYA ASRI BLOK A2"),
        ("JL. 17 AGUSTUS NO. 45\nBTN PEPABRI\nBLOK C/3", "JL. 17 AGUSTUS NO. 45 BTN PEPABRI BLOK C/3"),
        ("JL. ISLAMIC CENTER KM 23,5", "JL. ISLAMIC CENTER KM 23,5"),
    ],
)
def test_an_address_of_several_lines_is_joined(read: str, address: str) -> None:
    lines = ktp_lines({"Alamat": read})

    fields = read_ktp(lines)

    assert fields["address"].value == address
    assert fields["rtRw"].value == "004/007"


def test_an_address_does_not_swallow_the_row_of_an_unread_label() -> None:
    lines = ktp_lines(labels={"RT/RW": ""})

    fields = read_ktp(lines)

    assert fields["address"].value == "JL. MELATI NO. 5"
    assert fields["rtRw"].value == "004/007"


LAST_LABELS = ("Agama", "Status Perkawinan", "Pekerjaan", "Kewarganegaraan", "Berlaku Hingga")


def test_the_last_rows_are_known_by_their_order_when_no_label_was_read() -> None:
    lines = ktp_lines(labels=dict.fromkeys(LAST_LABELS, ""))

    fields = read_ktp(lines)

    assert read_values(fields) == EXPECTED


def test_religion_and_marital_status_are_known_by_their_words() -> None:
    lines = ktp_lines({"Pekerjaan": ""}, labels=dict.fromkeys(LAST_LABELS, ""))

    fields = read_ktp(lines)

    assert (fields["religion"].value, fields["maritalStatus"].value) == ("ISLAM", "BELUM KAWIN")
    assert fields["validUntil"].value == "SEUMUR HIDUP"
    assert fields["nationality"].value == "WNI"
    assert "occupation" not in fields


def test_text_below_the_card_is_no_value() -> None:
    below = line("MEJA DAPUR", 262, 145 + 13 * 31 + 60)

    fields = read_ktp([*ktp_lines(), below])

    assert read_values(fields) == EXPECTED


def test_a_value_without_its_label_is_as_certain_as_its_place() -> None:
    lines = ktp_lines(labels={"Nama": ""})
    below = [replace(one, box=moved(one, 14)) if "BUDI" in one.text else one for one in lines]

    in_place, out_of_place = read_ktp(lines)["name"], read_ktp(below)["name"]

    assert (in_place.value, in_place.in_place, in_place.confidence) == ("BUDI SANTOSO", True, 0.99)
    assert (out_of_place.value, out_of_place.in_place) == ("BUDI SANTOSO", False)
    assert out_of_place.confidence < 0.9


def moved(one: TextLine, down: float) -> Box:
    first, second, third, fourth = ((x, y + down) for x, y in one.box)
    return first, second, third, fourth


@pytest.mark.parametrize(
    ("label", "printed", "key"),
    [
        ("Nama", "RADEN MAS SURYO\n", "name"),
        ("Alamat", "JL. MELATI NO. 5\n", "address"),
        ("Alamat", "JL. MELATI NO. 5\nBLOK C/3\n", "address"),
    ],
)
@pytest.mark.parametrize("labels", [{}, dict.fromkeys(KTP, "")])
def test_a_lost_second_row_of_a_value_is_noticed(
    label: str, printed: str, key: str, labels: dict[str, str]
) -> None:
    whole = read_ktp(ktp_lines({label: printed.strip()}, labels))[key]
    lacking = read_ktp(ktp_lines({label: printed}, labels))[key]

    assert whole.value == lacking.value
    assert (whole.in_place, lacking.in_place) == (True, False)


@pytest.mark.parametrize(
    ("read", "name"),
    [
        ("DRS. H. AGUS PRATAMA,S.H.", "DRS. H. AGUS PRATAMA, S.H."),
        ("NI LUH  PUTRI S. UTAMI", "NI LUH PUTRI S. UTAMI"),
        ("MA'RUF AL-HAKIM", "MA'RUF AL-HAKIM"),
        ("SUHARTl", "SUHARTI"),
        ("ANISA RAHAYU (ALIAS ICA)", "ANISA RAHAYU (ALIAS ICA)"),
        ("M. ALI D'COSTA,ST,MT", "M. ALI D'COSTA, ST, MT"),
        ("NUR`AINI", "NUR'AINI"),
        ('SYAFI"I', "SYAFI'I"),
        ("H.M. YUSUF, S.PD.I", "H.M. YUSUF, S.PD.I"),
        ("BUDI SANTOSO,", "BUDI SANTOSO"),
        ("IWAYAN SUDIRTA", "I WAYAN SUDIRTA"),
        ("IGST. BAGUS WIJAYA", "I GST. BAGUS WIJAYA"),
        ("NIMADE RAI", "NI MADE RAI"),
        ("NILUH AYU", "NILUH AYU"),
        ("IMADUDIN ANWAR", "IMADUDIN ANWAR"),
        ("OEI", "OEI"),
    ],
)
def test_names_keep_titles_and_punctuation(read: str, name: str) -> None:
    lines = ktp_lines({"Nama": read})

    fields = read_ktp(lines)

    assert fields["name"].value == name


@pytest.mark.parametrize(
    ("read", "doubted"),
    [
        ("ST YULIANA UTAMI", True),
        ("NI LUH DEWI S SETIAWAN", True),
        ("LESTARI MAHENDRA MS", True),
        ("ST. YULIANA UTAMI", False),
        ("I WAYAN BUDI K. HIDAYAT", False),
        ("ANISA D'COSTA, ST, MT", False),
    ],
)
def test_an_abbreviation_without_its_full_stop_is_uncertain(read: str, doubted: bool) -> None:
    lines = ktp_lines({"Nama": read})

    fields = read_ktp(lines)

    assert fields["name"].value == read
    assert (fields["name"].confidence < 0.9) is doubted


def test_a_name_of_two_lines_is_joined() -> None:
    lines = ktp_lines({"Nama": "RADEN AJENG KUSUMANINGRUM\nPUSPITASARI"})

    fields = read_ktp(lines)

    assert fields["name"].value == "RADEN AJENG KUSUMANINGRUM PUSPITASARI"


@pytest.mark.parametrize("read", ["BUDI 7749", "010/002", "PEREMPUAN"])
def test_text_that_cannot_be_a_name_is_left_out(read: str) -> None:
    lines = ktp_lines({"Nama": read})

    fields = read_ktp(lines)

    assert "name" not in fields


@pytest.mark.parametrize(
    ("read", "gender"),
    [
        ("LAKI LAKI", "LAKI-LAKI"),
        ("LAKI-LAKl", "LAKI-LAKI"),
        ("LAK1-LAK1", "LAKI-LAKI"),
        ("LAKILAKI", "LAKI-LAKI"),
        ("LAKI - LAKI", "LAKI-LAKI"),
        ("LAKI\u2013LAKI.", "LAKI-LAKI"),
        ("AKI-LAK1", "LAKI-LAKI"),
        ("LAKI", "LAKI-LAKI"),
        ("PRIA", "LAKI-LAKI"),
        ("WANITA", "PEREMPUAN"),
        ("PEREMPUAN", "PEREMPUAN"),
        ("PEREMPUAM", "PEREMPUAN"),
    ],
)
def test_genders_have_the_values_of_the_contract(read: str, gender: str) -> None:
    lines = ktp_lines({"Jenis Kelamin": read})

    fields = read_ktp(lines)

    assert fields["gender"].value == gender


@pytest.mark.parametrize(
    ("read", "value"),
    [
        ("17-08-2017", "17-08-2017"),
        ("17-O8-2017", "17-08-2017"),
        ("SEUMURHIDUP", "SEUMUR HIDUP"),
        ("SEUMUR H1DUP", "SEUMUR HIDUP"),
    ],
)
def test_an_old_card_expires_and_a_new_one_never_does(read: str, value: str) -> None:
    lines = ktp_lines({"Berlaku Hingga": read})

    fields = read_ktp(lines)

    assert fields["validUntil"].value == value


@pytest.mark.parametrize(
    ("province", "city", "read"),
    [
        ("DKl JAKARTA", "JAKARTA SELATAM", ("DKI JAKARTA", "JAKARTA SELATAN")),
        ("JAWA BARAT", "KOTA BANDUMG", ("JAWA BARAT", "KOTA BANDUNG")),
        ("BALI", "KABUPATEN BADUNG", ("BALI", "KABUPATEN BADUNG")),
        ("SUMATRA UTARA", "KOTA MEDAN", ("SUMATERA UTARA", "KOTA MEDAN")),
        # Blanks and full stops stay as printed, and a name that no list has stays whole.
        ("D.I. YOGYAKARTA", "KAB. GUNUNG KIDUL", ("D.I. YOGYAKARTA", "KAB. GUNUNG KIDUL")),
        ("JAWA BARAT", "KABUPATEN BOGOR TIMUR", ("JAWA BARAT", "KABUPATEN BOGOR TIMUR")),
        ("BORNEO RAYA", "KOTA BANDUMG", ("BORNEO RAYA", "KOTA BANDUMG")),
    ],
)
def test_provinces_and_cities_are_corrected_by_the_list_of_regions(
    province: str, city: str, read: tuple[str, str]
) -> None:
    body = [one for one in ktp_lines() if one.top > 100]
    lines = [line(f"PROVINSI {province}", 344, 42, 34), line(city, 360, 82, 34), *body]

    fields = read_ktp(lines)

    assert (fields["province"].value, fields["city"].value) == read


@pytest.mark.parametrize(
    ("nik", "birth", "read"),
    [
        ("317405170B900001", "JAKARTA, 17-08-1990", "3174051708900001"),
        ("3174051708S00001", "JAKARTA, 17-08-1980", "3174051708800001"),
        ("3174051708S00001", "JAKARTA, 17-08-1950", "3174051708500001"),
    ],
)
def test_a_misread_nik_is_repaired_with_the_printed_birth_date(nik: str, birth: str, read: str) -> None:
    lines = ktp_lines({"NIK": nik, "Tempat/Tgl Lahir": birth})

    fields = read_ktp(lines)

    assert fields["nik"].value == read
    assert 0.85 < fields["nik"].confidence < 0.9


def test_a_nik_that_could_be_two_numbers_has_no_confidence() -> None:
    lines = ktp_lines({"NIK": "31740517089000S1"})

    fields = read_ktp(lines)

    assert fields["nik"].confidence < 0.5


def test_text_under_the_photo_never_fills_an_empty_row() -> None:
    lines = ktp_lines({"Status Perkawinan": "", "Pekerjaan": "", "Kewarganegaraan": ""})

    fields = read_ktp(lines)

    assert not {"maritalStatus", "occupation", "nationality"} & fields.keys()


def test_an_unknown_blood_type_is_left_out() -> None:
    lines = [one for one in ktp_lines() if not one.text.startswith("Gol.")]
    y = next((one.top + one.bottom) / 2 for one in lines if "LAKI" in one.text)
    lines += [line("Gol. Darah", 520, y), line(": -", 666, y)]

    fields = read_ktp(lines)

    assert "bloodType" not in fields
    assert fields["gender"].value == "LAKI-LAKI"


@pytest.mark.parametrize(("label", "key"), [("Agama", "religion"), ("Status Perkawinan", "maritalStatus")])
def test_a_value_outside_its_vocabulary_is_left_out(label: str, key: str) -> None:
    lines = ktp_lines({label: "QWERTZ"})

    fields = read_ktp(lines)

    assert key not in fields


def test_a_value_of_another_row_is_left_out() -> None:
    lines = ktp_lines({"Kel/Desa": "ISLAM"})

    fields = read_ktp(lines)

    assert "village" not in fields


def test_a_number_without_its_label_is_found() -> None:
    lines = ktp_lines(labels={"NIK": ""}, colon="")

    fields = read_ktp(lines)

    assert fields["nik"].value == KTP["NIK"]


def test_a_page_without_labels_has_no_fields() -> None:
    lines = [line("SURAT KETERANGAN", 100, 100), line("BUDI SANTOSO", 100, 160)]

    fields = read_ktp(lines)

    assert fields == {}


def test_no_lines_have_no_fields() -> None:
    assert read_ktp([]) == {}


@pytest.mark.parametrize(
    ("read", "address"),
    [
        ("JL.MELATI NO.5", "JL. MELATI NO. 5"),
        ("JLMELATI", "JL. MELATI"),
        ("JLNMELATI", "JLN. MELATI"),
        ("JLNUSANTARA", "JL. NUSANTARA"),
        ("GGKELINCI III", "GG. KELINCI III"),
        ("KPMELAYU", "KP. MELAYU"),
        ("DSNKRAJAN", "DSN. KRAJAN"),
        ("DS.SUKAMAJU", "DS. SUKAMAJU"),
        ("KOMPLEK DKI", "KOMPLEK DKI"),
        ("DKIJAKARTA", "DKIJAKARTA"),
        ("DUSUN KRAJAN", "DUSUN KRAJAN"),
        ("JL MELATI", "JL MELATI"),
    ],
)
def test_an_abbreviation_is_separated_from_the_word_behind_it(read: str, address: str) -> None:
    assert read_ktp(ktp_lines({"Alamat": read}))["address"].value == address


def test_a_foreigners_card_has_the_values_of_the_contract() -> None:
    fields = read_values(
        read_ktp(
            ktp_lines(
                {
                    "Jenis Kelamin": "MALE",
                    "Agama": "CHRISTIAN",
                    "Status Perkawinan": "MARRIED",
                    "Pekerjaan": "OTHERS",
                    "Kewarganegaraan": "JAPAN",
                    "Berlaku Hingga": "17-08-2027",
                }
            )
        )
    )

    assert fields["gender"] == "LAKI-LAKI"
    assert fields["religion"] == "KRISTEN"
    assert fields["maritalStatus"] == "KAWIN"
    assert fields["occupation"] == "OTHERS"
    assert fields["nationality"] == "JAPAN"
    assert fields["validUntil"] == "17-08-2027"


@pytest.mark.parametrize(
    ("label", "read", "key", "value"),
    [
        ("Jenis Kelamin", "FEMALE", "gender", "PEREMPUAN"),
        ("Jenis Kelamin", "FEMAIE", "gender", "PEREMPUAN"),
        ("Agama", "CATHOLIC", "religion", "KATOLIK"),
        ("Agama", "BUDDHIST", "religion", "BUDDHA"),
        ("Agama", "OTHERS", "religion", "LAINNYA"),
        ("Agama", "MOSLEM", "religion", "ISLAM"),
        ("Status Perkawinan", "WIDOWER", "maritalStatus", "CERAI MATI"),
        ("Status Perkawinan", "SINGLE", "maritalStatus", "BELUM KAWIN"),
        ("Status Perkawinan", "DIVORCED", "maritalStatus", "CERAI HIDUP"),
        ("Status Perkawinan", "W1DOWED", "maritalStatus", "CERAI MATI"),
    ],
)
def test_english_words_stand_for_values_of_the_contract(label: str, read: str, key: str, value: str) -> None:
    assert read_ktp(ktp_lines({label: read}))[key].value == value


def test_a_country_counts_as_nationality_on_a_foreigners_card_only() -> None:
    assert "nationality" not in read_ktp(ktp_lines({"Kewarganegaraan": "JAPAN"}))


def test_an_english_word_may_be_a_name() -> None:
    assert read_ktp(ktp_lines({"Nama": "CHRISTIAN"}))["name"].value == "CHRISTIAN"


def test_embossed_letters_before_a_colon_are_no_part_of_a_value() -> None:
    lines = ktp_lines({"Agama": "TANDA : ISLAM", "Pekerjaan": "A PEND:KARYAWAN SWASTA"})

    fields = read_values(read_ktp(lines))

    assert fields["religion"] == "ISLAM"
    assert fields["occupation"] == "KARYAWAN SWASTA"
