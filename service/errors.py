"""What went wrong, sorted by what happens next: fail now, wait, try another device, or let go.

The tree is small on purpose. A caller that catches one of these knows what to do with the job without
knowing what broke.
"""


class OcrWorkerError(Exception):
    """Base of every error this service raises on purpose."""


class SettingsError(OcrWorkerError):
    """The process cannot start as configured; the message is one line that says what to change."""


class DocumentError(OcrWorkerError):
    """The document itself is at fault: no retry can help, so it fails now.

    ``str(error)`` is a sentence without personal data that FiLot shows to the user as it stands, in
    Indonesian and English. ``code`` names the cause in logs and metrics.
    """

    def __init__(self, code: str, indonesian: str, english: str) -> None:
        super().__init__(f"{indonesian} ({english})")
        self.code = code


class RetriesExceededError(DocumentError):
    """The document had every attempt it gets; ``cause`` says for the operator how the last one ended."""

    def __init__(self, code: str, indonesian: str, english: str, *, cause: str) -> None:
        super().__init__(code, indonesian, english)
        self.cause = cause


class UnavailableError(OcrWorkerError):
    """One of our own servers is away: wait and try again, without counting an attempt."""


class DatabaseRefusedError(UnavailableError):
    """PostgreSQL refuses our statements: a missing right or table, or a read-only server.

    ``sqlstate`` is the server's code; ``sentence`` says what to mend, with names of SQL objects and without
    row data.
    """

    def __init__(self, message: str, sqlstate: str, sentence: str) -> None:
        super().__init__(message)
        self.sqlstate = sqlstate
        self.sentence = sentence


class StorageRefusedError(UnavailableError):
    """The document store refuses us (HTTP 401 or 403): wait, but not for ever."""


class EngineError(OcrWorkerError):
    """The OCR engine broke on this document: retry, counting an attempt."""


class DeviceError(EngineError):
    """The GPU failed while it computed: read this document on the CPU, and probe the GPU again."""


class DeviceRefusalError(DeviceError):
    """The GPU could not take this one document, for its size or its shape, and is sound itself."""


class DeviceLostError(DeviceError):
    """Nothing that the GPU says to this process can be trusted any more; only a new process may ask again."""


class LeaseLostError(OcrWorkerError):
    """Someone else owns this job now: drop it and touch nothing."""
