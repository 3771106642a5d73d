"""Image quality: faults of a picture, measured on its print."""

from service.reading.quality.photo import faults, print_faults
from service.reading.quality.values import Spacing, ValuePrint, lines_in, measure_value

__all__ = ["Spacing", "ValuePrint", "faults", "lines_in", "measure_value", "print_faults"]
