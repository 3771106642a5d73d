"""The national identity card (KTP-el): where its text stands, and what it says."""

import random
from collections.abc import Iterator

from PIL import Image as Pictures
from PIL import ImageDraw

from service.demo.artwork import draw_portrait, draw_signature, waved_ground
from service.demo.people import Person, printed_date
from service.demo.printing import PrintedText

_LABEL_X, _INDENT_X, _COLON_X, _VALUE_X = 36, 62, 246, 262
_FIRST_ROW_Y, _ROW_PITCH, _TEXT_SIZE = 200, 30.8, 24
_PHOTO = (768, 150, 972, 418)
_PHOTO_MIDDLE_X = 870


def ktp_texts(person: Person) -> Iterator[PrintedText]:
    """Every text on ``person``'s card, in reading order."""
    yield PrintedText(f"PROVINSI {person.region.province}", 505, 54, 34, "Arimo-Bold", centred=True)
    yield PrintedText(person.region.city, 505, 94, 34, "Arimo-Bold", centred=True)
    yield PrintedText("NIK", _LABEL_X, 152, 38, "Arimo-Bold")
    yield PrintedText(":", 214, 152, 38, "Arimo-Bold")
    yield PrintedText(person.nik, 240, 152, 44, "OCRA")
    for row, (label, value) in enumerate(_rows(person)):
        y = _FIRST_ROW_Y + row * _ROW_PITCH
        if label:
            yield PrintedText(label, _INDENT_X if label in _INDENTED else _LABEL_X, y, _TEXT_SIZE)
            yield PrintedText(":", _COLON_X, y, _TEXT_SIZE)
        yield PrintedText(value, _VALUE_X, y, _TEXT_SIZE)
        if label == "Jenis Kelamin":
            yield PrintedText("Gol. Darah :", 520, y, _TEXT_SIZE)
            yield PrintedText(person.blood_type, 666, y, _TEXT_SIZE)
    yield PrintedText(person.region.short_city, _PHOTO_MIDDLE_X, 458, 20, centred=True)
    yield PrintedText(printed_date(person.issued), _PHOTO_MIDDLE_X, 484, 20, centred=True)


def ktp_artwork(person: Person, rng: random.Random) -> Pictures.Image:
    """The card without its text, at the printing scale."""
    ground = waved_ground(rng, pale=(206, 231, 242), deep=(170, 208, 230))
    pen = ImageDraw.Draw(ground)
    veil = person.gender == "PEREMPUAN" and person.religion == "ISLAM"
    draw_portrait(pen, rng, _PHOTO, odd_year=person.birth_date.year % 2 == 1, veil=veil)
    draw_signature(pen, rng, (778, 500, 962, 590))
    return ground


def ktp_truth(person: Person) -> dict[str, str]:
    """What the card says, by the contract's keys; a blood type of ``-`` says nothing."""
    truth = {
        "nik": person.nik,
        "name": person.name,
        "birthPlace": person.birth_place,
        "birthDate": printed_date(person.birth_date),
        "gender": person.gender,
        "bloodType": person.blood_type,
        "address": " ".join(person.address),
        "rtRw": person.rt_rw,
        "village": person.village,
        "district": person.region.district,
        "religion": person.religion,
        "maritalStatus": person.marital_status,
        "occupation": person.occupation,
        "nationality": person.nationality,
        "validUntil": person.valid_until,
        "province": person.region.province,
        "city": person.region.city,
    }
    return {key: value for key, value in truth.items() if value != "-"}


_INDENTED = frozenset({"RT/RW", "Kel/Desa", "Kecamatan"})


def _rows(person: Person) -> Iterator[tuple[str, str]]:
    yield "Nama", person.name
    yield "Tempat/Tgl Lahir", f"{person.birth_place}, {printed_date(person.birth_date)}"
    yield "Jenis Kelamin", person.gender
    yield "Alamat", person.address[0]
    for line in person.address[1:]:
        yield "", line
    yield "RT/RW", person.rt_rw
    yield "Kel/Desa", person.village
    yield "Kecamatan", person.region.district
    yield "Agama", person.religion
    yield "Status Perkawinan", person.marital_status
    yield "Pekerjaan", person.occupation
    yield "Kewarganegaraan", person.nationality
    yield "Berlaku Hingga", person.valid_until
