"""Pages in, text lines out."""

import os

# ONNX Runtime's wheels for Linux report to their maker, and keep a database for that in the home directory,
# from 1.29 on and unless told before the library is loaded: no third party gets anything from this service.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
