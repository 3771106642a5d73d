"""`python -m service` is `filot-ocr`."""

from service.cli import main

main()
