"""Every reason for which a person looks at a document, and what the user or the reviewer can do about it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

#: Codes that are given where a page as a whole is judged.
MISSING_FIELDS, UNREADABLE, WRONG_TYPE = "missing_fields", "unreadable", "wrong_document_type"


@dataclass(frozen=True, slots=True)
class Advice:
    """A sentence in both languages."""

    indonesian: str
    english: str

    def __str__(self) -> str:
        return f"{self.indonesian} / {self.english}"


#: Advice by the code that ``reviewReasons`` holds. Codes are never renamed: listeners know them.
ADVICE: Mapping[str, Advice] = {
    # The picture.
    "blurred": Advice(
        "Foto buram; silakan foto ulang di tempat terang.",
        "The photo is blurred: take it again in better light.",
    ),
    "glare": Advice(
        "Ada pantulan cahaya pada kartu; silakan foto ulang tanpa lampu kilat.",
        "Light is reflected on the card: take the photo again without flash.",
    ),
    "cut_off": Advice(
        "Kartu terpotong; silakan foto ulang dengan keempat sudutnya terlihat.",
        "The card is cut off: take the photo again with all four corners in view.",
    ),
    "text_too_small": Advice(
        "Tulisan terlalu kecil; silakan foto ulang dari jarak lebih dekat.",
        "The text is too small: take the photo again from nearer.",
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
        "No text could be read: take the photo again from near and in good light.",
    ),
    WRONG_TYPE: Advice(
        "Dokumen ini bukan jenis kartu yang diminta; silakan unggah kartu yang benar.",
        "This is not the kind of card that was asked for: upload the right one.",
    ),
    MISSING_FIELDS: Advice(
        "Sebagian data tidak terbaca; lengkapi dari gambar atau foto ulang kartu.",
        "Some fields could not be read: fill them in from the picture, or take it again.",
    ),
    # The fields.
    "nik_birth_date_mismatch": Advice(
        "Tanggal lahir dalam NIK berbeda dengan yang tercetak; bandingkan keduanya dengan kartu.",
        "The NIK holds another birth date than the printed one: compare both with the card.",
    ),
    "nik_gender_mismatch": Advice(
        "Jenis kelamin dalam NIK berbeda dengan yang tercetak; bandingkan keduanya dengan kartu.",
        "The NIK holds another sex than the printed one: compare both with the card.",
    ),
    "nik_implausible": Advice(
        "NIK ini tidak mungkin ada; periksa setiap angkanya pada kartu.",
        "No such NIK can exist: check each of its digits on the card.",
    ),
    "nik_unknown_region": Advice(
        "Kode wilayah dalam NIK tidak dikenal; periksa enam angka pertamanya pada kartu.",
        "The NIK begins with an unknown region: check its first six digits on the card.",
    ),
    "nik_unconfirmed": Advice(
        "Tanggal lahir tidak terbaca, sehingga NIK tidak dapat dicocokkan; periksa NIK pada kartu.",
        "The birth date that confirms the NIK could not be read: check the NIK on the card.",
    ),
    "npwp_implausible": Advice(
        "Nomor NPWP ini tidak mungkin ada; periksa setiap angkanya pada kartu.",
        "No such NPWP number can exist: check each of its digits on the card.",
    ),
    "npwp_nik_mismatch": Advice(
        "Nomor NPWP berbeda dengan NIK pada kartu yang sama; bandingkan keduanya dengan kartu.",
        "The NPWP number is not the NIK on the same card: compare both with the card.",
    ),
    "low_confidence_nik": Advice(
        "NIK tidak terbaca dengan pasti; periksa setiap angkanya pada kartu.",
        "The NIK could not be read for certain: check each of its digits on the card.",
    ),
    "low_confidence_npwp": Advice(
        "Nomor NPWP tidak terbaca dengan pasti; periksa setiap angkanya pada kartu.",
        "The NPWP number could not be read for certain: check each of its digits on the card.",
    ),
    "low_confidence_name": Advice(
        "Nama tidak terbaca dengan pasti; periksa ejaannya pada kartu.",
        "The name could not be read for certain: check its spelling on the card.",
    ),
}


def advice(codes: Iterable[str]) -> list[str]:
    """For each code what can be done about it, as ``Indonesian / English``.

    Codes that this version does not know, in rows that another one stored, stand for themselves.
    """
    return [str(ADVICE.get(code, code)) for code in codes]
