"""Where invented people live: some real provinces, cities and districts, with the codes that begin a NIK.

Codes are those of the Ministry of Home Affairs (Kepmendagri 050-145/2022): province, regency and district,
two digits each.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Region:
    """One district, and what a card prints about it."""

    #: Six digits: province, regency, district.
    code: str
    #: Without the word PROVINSI.
    province: str
    #: As the card's second line prints it, with KOTA or KABUPATEN where it does.
    city: str
    district: str
    villages: tuple[str, ...]

    @property
    def short_city(self) -> str:
        """The city without its kind, as printed above the date of issue."""
        return self.city.removeprefix("KOTA ").removeprefix("KABUPATEN ")


REGIONS: tuple[Region, ...] = (
    Region("317401", "DKI JAKARTA", "JAKARTA SELATAN", "TEBET", ("MANGGARAI", "BUKIT DURI", "TEBET BARAT")),
    Region("317404", "DKI JAKARTA", "JAKARTA SELATAN", "PASAR MINGGU", ("RAGUNAN", "JATI PADANG")),
    Region("317506", "DKI JAKARTA", "JAKARTA TIMUR", "CAKUNG", ("PENGGILINGAN", "UJUNG MENTENG")),
    Region("320101", "JAWA BARAT", "KABUPATEN BOGOR", "CIBINONG", ("PAKANSARI", "NANGGEWER MEKAR")),
    Region("327302", "JAWA BARAT", "KOTA BANDUNG", "COBLONG", ("DAGO", "SEKELOA", "LEBAK SILIWANGI")),
    Region("327601", "JAWA BARAT", "KOTA DEPOK", "PANCORAN MAS", ("DEPOK JAYA", "RANGKAPAN JAYA BARU")),
    Region("337410", "JAWA TENGAH", "KOTA SEMARANG", "TEMBALANG", ("BULUSAN", "SENDANGMULYO")),
    Region("337411", "JAWA TENGAH", "KOTA SEMARANG", "BANYUMANIK", ("SRONDOL WETAN", "PUDAKPAYUNG")),
    Region(
        "340407", "DAERAH ISTIMEWA YOGYAKARTA", "KABUPATEN SLEMAN", "DEPOK", ("CATURTUNGGAL", "CONDONGCATUR")
    ),
    Region(
        "340412", "DAERAH ISTIMEWA YOGYAKARTA", "KABUPATEN SLEMAN", "NGAGLIK", ("SARIHARJO", "MINOMARTANI")
    ),
    Region("351508", "JAWA TIMUR", "KABUPATEN SIDOARJO", "SIDOARJO", ("LEMAHPUTRO", "SIDOKUMPUL")),
    Region("357804", "JAWA TIMUR", "KOTA SURABAYA", "WONOKROMO", ("DARMO", "JAGIR", "NGAGELREJO")),
    Region("357808", "JAWA TIMUR", "KOTA SURABAYA", "GUBENG", ("AIRLANGGA", "KERTAJAYA")),
    Region("367401", "BANTEN", "KOTA TANGERANG SELATAN", "SERPONG", ("RAWA BUNTU", "LENGKONG GUDANG TIMUR")),
    Region("517101", "BALI", "KOTA DENPASAR", "DENPASAR SELATAN", ("SESETAN", "SANUR KAUH")),
    Region("127103", "SUMATERA UTARA", "KOTA MEDAN", "MEDAN HELVETIA", ("TANJUNG GUSTA", "DWIKORA")),
    Region("137104", "SUMATERA BARAT", "KOTA PADANG", "PADANG UTARA", ("AIR TAWAR BARAT", "LOLONG BELANTI")),
    Region(
        "647105", "KALIMANTAN TIMUR", "KOTA BALIKPAPAN", "BALIKPAPAN SELATAN", ("SEPINGGAN", "DAMAI BAHAGIA")
    ),
    Region("737109", "SULAWESI SELATAN", "KOTA MAKASSAR", "PANAKKUKANG", ("PANDANG", "KARAMPUANG")),
)
