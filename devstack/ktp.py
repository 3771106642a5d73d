"""The national identity card (KTP-el): positions of its text, and its fields."""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from PIL import Image as Pictures
from PIL import ImageDraw

from devstack.artwork import draw_portrait, draw_rosette, draw_signature, draw_stamp, emboss, waved_ground
from devstack.people import Person, printed_date
from devstack.printing import FACES, Face, Family, Ink, PrintedText

_LABEL_X, _INDENT_X = 36, 62
_FIRST_ROW_Y = 200

#: English words on a foreigner's card, by the contract's values.
_ENGLISH: Mapping[str, str] = {
    "LAKI-LAKI": "MALE",
    "PEREMPUAN": "FEMALE",
    "ISLAM": "ISLAM",
    "KRISTEN": "CHRISTIAN",
    "KATOLIK": "CATHOLIC",
    "HINDU": "HINDU",
    "BUDDHA": "BUDDHIST",
    "KHONGHUCU": "CONFUCIAN",
    "LAINNYA": "OTHERS",
    "BELUM KAWIN": "SINGLE",
    "KAWIN": "MARRIED",
    "CERAI HIDUP": "DIVORCED",
    "CERAI MATI": "WIDOWED",
}


@dataclass(frozen=True, slots=True)
class KtpDesign:
    """How one print run looks; positions and sizes in card pixels."""

    family: Family = "Arimo"
    number_face: Face = "OCRA"
    number_size: float = 44
    heading_size: float = 34
    #: The heading's middle.
    heading_x: float = 505
    text_size: float = 24
    #: From one row's baseline to the next.
    pitch: float = 30.8
    value_x: float = 262
    #: Left end of the blood type's label.
    blood_x: float = 520
    blood_label: str = "Gol. Darah :"
    gender_label: str = "Jenis Kelamin"
    #: Width of a blank as a share of the face's own.
    word_space: float = 1.0
    #: Print gender, religion and marital status in English, as on a foreigner's card.
    english: bool = False
    #: ``KARTU TANDA PENDUDUK`` in waves over the lower third.
    embossed: bool = False
    photo: tuple[int, int, int, int] = (768, 150, 972, 418)
    pale: Ink = (206, 231, 242)
    deep: Ink = (170, 208, 230)
    wavelength: float = 9.0
    ink: Ink = (24, 24, 28)
    #: Fine closed curves behind the text, as on banknotes.
    rosette: bool = False
    #: An office's stamp under the signature, as cards that expire often have.
    stamped: bool = False


STANDARD = KtpDesign()

#: Pale and deep inks of the ground: light blue, washed-out blue, greenish, violet.
_GROUNDS: tuple[tuple[Ink, Ink], ...] = (
    ((206, 231, 242), (170, 208, 230)),
    ((222, 236, 240), (192, 216, 228)),
    ((212, 236, 226), (176, 214, 206)),
    ((222, 224, 244), (190, 196, 230)),
)


def draw_ktp_design(rng: random.Random, *, expires: bool) -> KtpDesign:
    """Draw a look; cards that expire are of earlier print runs."""
    pale, deep = rng.choice(_GROUNDS)
    shift = rng.randint(-8, 8)
    grey = rng.randint(16, 58)
    family: Family = rng.choice(("Arimo", "Arimo", "Roboto", "RobotoCondensed"))
    return KtpDesign(
        family=family,
        number_face=rng.choice(("OCRA", "OCRA", "OCRA", FACES[family][1])),
        number_size=rng.uniform(40, 45),
        heading_size=rng.uniform(30, 35),
        heading_x=rng.choice((505, 420)) if expires else 505,
        text_size=rng.uniform(22, 24.5),
        pitch=rng.uniform(29.5, 31.2),
        value_x=262 + rng.choice((0, 0, 14)),
        blood_x=520 + rng.randint(-10, 14),
        blood_label=rng.choice(("Gol. Darah :", "Gol. Darah :", "Gol Darah :")),
        photo=(768 + shift, 150 + shift, 972 + shift, 418 + shift),
        pale=pale,
        deep=deep,
        wavelength=rng.uniform(7, 13),
        ink=(grey, grey, grey + 4),
        rosette=rng.random() < 0.6,
        stamped=expires and rng.random() < 0.6,
    )


def ktp_texts(person: Person, design: KtpDesign = STANDARD) -> Iterator[PrintedText]:
    """Return every text on ``person``'s card, in reading order."""
    return (replace(text, word_space=design.word_space) for text in _texts(person, design))


def _texts(person: Person, design: KtpDesign) -> Iterator[PrintedText]:
    regular, bold = FACES[design.family]
    ink, size, colon_x = design.ink, design.text_size, design.value_x - 16
    heading = (design.heading_size, bold, ink, True)
    yield PrintedText(f"PROVINSI {person.region.province}", design.heading_x, 54, *heading, ("province",))
    yield PrintedText(person.region.city, design.heading_x, 94, *heading, ("city",))
    yield PrintedText("NIK", _LABEL_X, 152, 38, bold, ink)
    yield PrintedText(":", 214, 152, 38, bold, ink)
    yield PrintedText(person.nik, 240, 152, design.number_size, design.number_face, ink, keys=("nik",))
    for row, (label, value, keys) in enumerate(_fitted_rows(person, design)):
        y = _FIRST_ROW_Y + row * design.pitch
        if label:
            x = _INDENT_X if label in _INDENTED else _LABEL_X
            yield PrintedText(label, x, y, size, regular, ink)
            yield PrintedText(":", colon_x, y, size, regular, ink)
        yield PrintedText(value, design.value_x, y, size, regular, ink, keys=keys)
        if label == design.gender_label:
            blood = PrintedText(design.blood_label, design.blood_x, y, size, regular, ink)
            yield blood
            behind = blood.bounds()[2] + 8
            yield PrintedText(person.blood_type, behind, y, size, regular, ink, keys=("bloodType",))
    middle, below = (design.photo[0] + design.photo[2]) / 2, design.photo[3]
    yield PrintedText(person.region.short_city, middle, below + 40, 20, regular, ink, centred=True)
    yield PrintedText(printed_date(person.issued), middle, below + 66, 20, regular, ink, centred=True)


def ktp_artwork(person: Person, rng: random.Random, design: KtpDesign = STANDARD) -> Pictures.Image:
    """The card without its text, at the printing scale."""
    ground = waved_ground(rng, design.pale, design.deep, design.wavelength)
    pen = ImageDraw.Draw(ground)
    if design.rosette:
        draw_rosette(pen, rng, (505, 330), 250, design.deep)
    if design.embossed:
        emboss(ground, rng, design.deep)
    veil = person.gender == "PEREMPUAN" and person.religion == "ISLAM"
    draw_portrait(pen, rng, design.photo, odd_year=person.birth_date.year % 2 == 1, veil=veil)
    left, _, right, bottom = design.photo
    if design.stamped:
        draw_stamp(ground, rng, ((left + right) // 2 - 40, bottom + 110), 78)
    draw_signature(pen, rng, (left + 10, bottom + 82, right - 10, bottom + 172))
    return ground


def ktp_truth(person: Person) -> dict[str, str]:
    """Return the card's fields by the contract's keys; a blood type of ``-`` is no field."""
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


def _fitted_rows(person: Person, design: KtpDesign) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """The rows, those that would reach the photo broken in two at a blank."""
    for label, value, keys in _rows(person, design):
        first, rest = value, ""
        while _right_end(first, design) > design.photo[0] - 8:
            first, _, moved = first.rpartition(" ")
            rest = f"{moved} {rest}".strip()
        # A date that did not fit beside its place stands below it.
        yield label, first, keys[:1] if rest and len(keys) == 2 else keys
        if rest:
            yield "", rest, keys[-1:]


def _right_end(text: str, design: KtpDesign) -> float:
    face = FACES[design.family][0]
    return PrintedText(
        text, design.value_x, 0, design.text_size, face, word_space=design.word_space
    ).bounds()[2]


def _rows(person: Person, design: KtpDesign) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Label, value, and the fields that the value holds."""
    printed: Mapping[str, str] = _ENGLISH if design.english else {}
    yield "Nama", person.name, ("name",)
    birth = f"{person.birth_place}, {printed_date(person.birth_date)}"
    yield "Tempat/Tgl Lahir", birth, ("birthPlace", "birthDate")
    yield design.gender_label, printed.get(person.gender, person.gender), ("gender",)
    yield "Alamat", person.address[0], ("address",)
    for line in person.address[1:]:
        yield "", line, ("address",)
    yield "RT/RW", person.rt_rw, ("rtRw",)
    yield "Kel/Desa", person.village, ("village",)
    yield "Kecamatan", person.region.district, ("district",)
    yield "Agama", printed.get(person.religion, person.religion), ("religion",)
    yield "Status Perkawinan", printed.get(person.marital_status, person.marital_status), ("maritalStatus",)
    yield "Pekerjaan", person.occupation, ("occupation",)
    yield "Kewarganegaraan", person.nationality, ("nationality",)
    yield "Berlaku Hingga", person.valid_until, ("validUntil",)
