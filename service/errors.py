"""Errors by what happens to the job next: fail it, retry it, read it on another device, or drop it.

The hierarchy is small on purpose: whoever catches one of these knows what to do with the job without knowing
what broke.
"""


class OcrWorkerError(Exception):
    """Base class of all errors that the service raises itself."""


class SettingsError(OcrWorkerError):
    """The process cannot run with these settings. The message is one line that says what to change."""


class DocumentError(OcrWorkerError):
    """The document is at fault: no retry can help, so the job fails at once.

    ``str(error)`` is a sentence in Indonesian and English without personal data; FiLot shows it to the user
    unchanged. ``code`` identifies the cause in logs and metrics.
    """

    def __init__(self, code: str, indonesian: str, english: str) -> None:
        super().__init__(f"{indonesian} ({english})")
        self.code = code


class RetriesExceededError(DocumentError):
    """The job used up its attempts; ``cause`` tells the operator how the last one ended."""

    def __init__(self, code: str, indonesian: str, english: str, *, cause: str) -> None:
        super().__init__(code, indonesian, english)
        self.cause = cause


class UnavailableError(OcrWorkerError):
    """A server that we depend on is down: retry later, without counting an attempt.

    ``cause`` says why in a few words, ``advice`` what to do; both may be empty.
    """

    def __init__(self, message: str, cause: str = "", advice: str = "") -> None:
        super().__init__(message)
        self.cause = cause
        self.advice = advice


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
    """The OCR engine failed on this document: retry, and count an attempt."""


class DeviceError(EngineError):
    """The GPU failed during a computation: read this document on the CPU, and probe the GPU again."""


class DeviceRefusalError(DeviceError):
    """The GPU could not process this one document, because of its size or shape; the GPU itself works."""


class DeviceLostError(DeviceError):
    """The GPU cannot be used by this process any more; only a new process may try again."""


class LeaseLostError(OcrWorkerError):
    """Another worker owns this job now: drop it and change nothing."""
