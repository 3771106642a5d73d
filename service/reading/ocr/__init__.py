"""Optical character recognition: a page image in, text lines out."""

import os

# From 1.29 on, ONNX Runtime's wheels for Linux send telemetry to their maker and keep a database for it in
# the home directory, unless this is set before the library is loaded. No third party gets data from this
# service.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
