"""The command `filot-ocr`."""
