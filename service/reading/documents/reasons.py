"""Reasons for manual review, with advice for user and reviewer."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

#: Codes for a page as a whole.
MISSING_FIELDS, UNREADABLE, WRONG_TYPE = "missing_fields", "unreadable", "wrong_document_type"
MIRRORED, SEVERAL_CARDS = "mirrored", "several_cards"


@dataclass(frozen=True, slots=True)
class Advice:
    """One sentence of advice in both languages."""

    indonesian: str
    english: str

    def __str__(self) -> str:
        return f"{self.indonesian} / {self.english}"


#: Advice by the code in ``reviewReasons``. Codes are never renamed: other services use them.
ADVICE: Mapping[str, Advice] = {
    # The picture.
    "blurred": Advice(
        "Foto buram; silakan foto ulang di tempat terang.",
        "The photo is blurred: take it again in better light.",
    ),
    "glare": Advice(
        "Ada pantulan cahaya pada kartu; silakan foto ulang tanpa lampu kilat.",
        "The card reflects light: take the photo again without flash.",
    ),
    "cut_off": Advice(
        "Kartu terpotong; silakan foto ulang dengan keempat sudutnya terlihat.",
        "The card is cut off: take the photo again with all four corners in view.",
    ),
    "text_too_small": Advice(
        "Tulisan terlalu kecil; silakan foto ulang dari jarak lebih dekat.",
        "The text is too small: take the photo again from closer.",
    ),
    "too_dark": Advice(
        "Foto terlalu gelap; silakan foto ulang di tempat terang.",
        "The photo is too dark: take it again in better light.",
    ),
    "unclear": Advice(
        "Tulisan kurang jelas; periksa ejaan nama pada kartu atau foto ulang di tempat terang.",
        "The print is not clear: check how the name is spelt, or take the photo again in better light.",
    ),
    # The page.
    UNREADABLE: Advice(
        "Tidak ada tulisan yang terbaca; silakan foto ulang kartu dari dekat di tempat terang.",
        "No text could be read: take the photo again from close up and in good light.",
    ),
    WRONG_TYPE: Advice(
        "Dokumen ini bukan jenis kartu yang diminta; silakan unggah kartu yang benar.",
        "This is not the requested type of card: upload the right one.",
    ),
    MIRRORED: Advice(
        "Gambar ini terbalik seperti di cermin; periksa datanya atau foto ulang dengan kamera belakang.",
        "The picture is mirrored: check the fields, or take the photo again with the rear camera.",
    ),
    SEVERAL_CARDS: Advice(
        "Berkas ini memuat beberapa kartu yang berbeda; unggah satu kartu saja.",
        "The file shows several different cards: upload one card only.",
    ),
    MISSING_FIELDS: Advice(
        "Sebagian data tidak terbaca; lengkapi dari gambar atau foto ulang kartu.",
        "Some fields could not be read: fill them in from the picture, or take the photo again.",
    ),
    # The fields.
    "nik_birth_date_mismatch": Advice(
        "Tanggal lahir dalam NIK berbeda dengan yang tercetak; bandingkan keduanya dengan kartu.",
        "The birth date in the NIK differs from the printed one: compare both with the card.",
    ),
    "nik_gender_mismatch": Advice(
        "Jenis kelamin dalam NIK berbeda dengan yang tercetak; bandingkan keduanya dengan kartu.",
        "The gender in the NIK differs from the printed one: compare both with the card.",
    ),
    "nik_implausible": Advice(
        "NIK ini tidak mungkin ada; periksa setiap angkanya pada kartu.",
        "This NIK cannot exist: check each digit on the card.",
    ),
    "nik_unknown_region": Advice(
        "Kode wilayah dalam NIK tidak dikenal; periksa enam angka pertamanya pada kartu.",
        "The NIK starts with an unknown region code: check its first six digits on the card.",
    ),
    "nik_unconfirmed": Advice(
        "Tanggal lahir tidak terbaca, sehingga NIK tidak dapat dicocokkan; periksa NIK pada kartu.",
        "The birth date that confirms the NIK could not be read: check the NIK on the card.",
    ),
    "npwp_implausible": Advice(
        "Nomor NPWP ini tidak mungkin ada; periksa setiap angkanya pada kartu.",
        "This NPWP number cannot exist: check each digit on the card.",
    ),
    "npwp_nik_mismatch": Advice(
        "Nomor NPWP berbeda dengan NIK pada kartu yang sama; bandingkan keduanya dengan kartu.",
        "The NPWP number differs from the NIK on the same card: compare both with the card.",
    ),
    "low_confidence_nik": Advice(
        "NIK tidak terbaca dengan pasti; periksa setiap angkanya pada kartu.",
        "The NIK could not be read with certainty: check each digit on the card.",
    ),
    "low_confidence_npwp": Advice(
        "Nomor NPWP tidak terbaca dengan pasti; periksa setiap angkanya pada kartu.",
        "The NPWP number could not be read with certainty: check each digit on the card.",
    ),
    "low_confidence_name": Advice(
        "Nama tidak terbaca dengan pasti; periksa ejaannya pada kartu.",
        "The name could not be read with certainty: check its spelling on the card.",
    ),
    "low_confidence_birth_place": Advice(
        "Tempat lahir tidak terbaca dengan pasti; periksa ejaannya pada kartu.",
        "The place of birth could not be read with certainty: check its spelling on the card.",
    ),
    "low_confidence_birth_date": Advice(
        "Tanggal lahir tidak terbaca dengan pasti; periksa setiap angkanya pada kartu.",
        "The date of birth could not be read with certainty: check each digit on the card.",
    ),
    "low_confidence_gender": Advice(
        "Jenis kelamin tidak terbaca dengan pasti; periksa pada kartu.",
        "The gender could not be read with certainty: check it on the card.",
    ),
    "low_confidence_address": Advice(
        "Alamat tidak terbaca dengan pasti; periksa ejaannya pada kartu.",
        "The address could not be read with certainty: check its spelling on the card.",
    ),
    "low_confidence_religion": Advice(
        "Agama tidak terbaca dengan pasti; periksa pada kartu.",
        "The religion could not be read with certainty: check it on the card.",
    ),
    "low_confidence_marital_status": Advice(
        "Status perkawinan tidak terbaca dengan pasti; periksa pada kartu.",
        "The marital status could not be read with certainty: check it on the card.",
    ),
}


#: The contract field that each of these codes says to be uncertain.
UNCERTAIN_FIELDS: Mapping[str, str] = {
    "low_confidence_nik": "nik",
    "low_confidence_npwp": "npwpNumber",
    "low_confidence_name": "name",
    "low_confidence_birth_place": "birthPlace",
    "low_confidence_birth_date": "birthDate",
    "low_confidence_gender": "gender",
    "low_confidence_address": "address",
    "low_confidence_religion": "religion",
    "low_confidence_marital_status": "maritalStatus",
}

#: Fields that a person has to look at, by code.
DOUBTED_FIELDS: Mapping[str, tuple[str, ...]] = {
    **{code: (key,) for code, key in UNCERTAIN_FIELDS.items()},
    "nik_birth_date_mismatch": ("nik", "birthDate"),
    "nik_gender_mismatch": ("nik", "gender"),
    "nik_implausible": ("nik",),
    "nik_unknown_region": ("nik", "npwpNumber"),
    "nik_unconfirmed": ("nik",),
    "npwp_implausible": ("npwpNumber",),
    "npwp_nik_mismatch": ("npwpNumber", "nik"),
}


def indonesian(code: str) -> str:
    """Return the advice for a code in Indonesian; a code that this version does not know as it is."""
    return ADVICE[code].indonesian if code in ADVICE else code


def advice(codes: Iterable[str]) -> list[str]:
    """Return the advice for each code, as ``Indonesian / English``.

    A code that this version does not know, in a row stored by another one, is returned as it is.
    """
    return [str(ADVICE.get(code, code)) for code in codes]
