"""`python -m tools.schemas`: write docs/schemas from the code's types.

``--check`` changes nothing and exits with 1 when a file differs.
"""

import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import fields
from functools import reduce
from pathlib import Path
from typing import Any, get_type_hints

from service.monitoring.formatting import camel_case
from service.monitoring.heartbeat import WorkerSighting, WorkerState, wire_name
from service.monitoring.status_json import StatusReport
from service.monitoring.worker_status import OF_REDIS, GPUWorkerStatus
from service.reading.documents.fields import FieldDetail
from service.reading.documents.reasons import ADVICE
from service.store.result import (
    FIELD_DETAILS,
    PUBLISHED_NAMES,
    FailedRow,
    GPUOCRResult,
    KtpFields,
    NpwpFields,
)
from service.store.review_request import ReviewRequest
from service.telemetry.metrics import FAILURE_CODES
from tools.json_schema import Schema, SchemaBuilder

FOLDER = Path(__file__).parents[1] / "docs" / "schemas"

#: Fields of a result that only a failure has; all others that are not always there belong to a success.
OF_FAILURE = ("error", "error_code")

#: Fields that every success has. Others, such as those that later versions add, a listener must not count on.
OF_SUCCESS = (
    *("ocr_text", "parsed_result", "score", "decision", "outcome"),
    *("review_reasons", "review_advice"),
)

_REASON: Schema = {"enum": list(ADVICE)}


def main() -> int:
    """Write the files, or compare them; returns the exit code."""
    written = {FOLDER / f"{name}.schema.json": text for name, text in texts().items()}
    if "--check" in sys.argv[1:]:
        return int(any(not path.exists() or path.read_text() != text for path, text in written.items()))
    FOLDER.mkdir(parents=True, exist_ok=True)
    for path, text in written.items():
        path.write_text(text)
    return 0


def texts() -> dict[str, str]:
    """Return the files' contents by the schema's name."""
    return {name: json.dumps(schema, indent=2) + "\n" for name, schema in schemas().items()}


def schemas() -> dict[str, Schema]:
    """Return the schemas of what the worker publishes, stores, asks of reviewers and shows of itself."""
    return {
        "result": _result(),
        "result-json": _result_json(),
        "review-request": _review_request(),
        "status": _status(),
    }


def _result() -> Schema:
    builder = SchemaBuilder(_published_name)
    hints = {name: _without_none(hint) for name, hint in get_type_hints(GPUOCRResult).items()}
    always = [each.name for each in fields(GPUOCRResult) if each.default is not None]
    everything = builder.object_of(GPUOCRResult)["properties"]
    overridden = {
        "parsedResult": _card_fields(builder),
        "reviewReasons": {"type": "array", "items": _REASON},
        "errorCode": {"enum": list(FAILURE_CODES)},
    }

    def variant(success: bool, names: Iterable[str], required: Iterable[str], description: str) -> Schema:
        properties = {}
        for name in names:
            shown = PUBLISHED_NAMES[name]
            described = {key: text for key, text in everything[shown].items() if key == "description"}
            properties[shown] = {**(overridden.get(shown) or builder.of(hints[name])), **described}
        properties["success"] = {"const": success}
        return {
            "type": "object",
            "description": description,
            "properties": properties,
            "required": [PUBLISHED_NAMES[name] for name in required],
        }

    of_success = [name for name in hints if name not in OF_FAILURE]
    of_failure = [*always, *OF_FAILURE]
    builder.defs["Success"] = variant(True, of_success, [*always, *OF_SUCCESS], "The document was read.")
    builder.defs["Failure"] = variant(False, of_failure, of_failure, "The document failed for good.")
    return _whole(
        "PublishedResult",
        "One message on the channel `filot:ocr:gpu:results`. A result may come twice, with the same `jobId`.",
        {"oneOf": [{"$ref": "#/$defs/Success"}, {"$ref": "#/$defs/Failure"}]},
        builder,
    )


def _result_json() -> Schema:
    builder = SchemaBuilder(lambda _, name: name)
    builder.of(FailedRow)
    builder.defs["FailedRow"]["properties"]["errorCode"] |= {"enum": list(FAILURE_CODES)}
    reasons = {"type": "array", "description": "Why a person should look.", "items": _REASON}
    details = {
        "type": "object",
        "description": "What each field is worth and where it stands, by its key.",
        "additionalProperties": builder.of(FieldDetail),
    }
    for kind in (KtpFields, NpwpFields):
        builder.of(kind)
        builder.defs[kind.__name__]["properties"]["reviewReasons"] = reasons
        builder.defs[kind.__name__]["properties"][FIELD_DETAILS] = details
        # A row that failed is none of these, though no field is required.
        builder.defs[kind.__name__]["not"] = {"required": ["error"]}
    return _whole(
        "ResultJson",
        "`documents.result_json` as the worker writes it. The backend adds keys once a person has decided.",
        {"anyOf": [{"$ref": f"#/$defs/{kind}"} for kind in ("KtpFields", "NpwpFields", "FailedRow")]},
        builder,
    )


def _review_request() -> Schema:
    builder = SchemaBuilder(lambda _, name: name)
    body = builder.object_of(ReviewRequest)
    body["properties"]["parsedData"] |= _card_fields(builder)
    # What the type says of them is replaced: strings by string.
    del body["properties"]["parsedData"]["type"], body["properties"]["parsedData"]["additionalProperties"]
    body["properties"]["reasons"]["items"] = _REASON
    return _whole(
        "ReviewRequest",
        "Body of `POST {BULI2_API_URL}/internal/reviews`. It may come twice, with the same `reviewId`.",
        {key: body[key] for key in ("type", "properties", "required")},
        builder,
    )


def _status() -> Schema:
    builder = SchemaBuilder(_camel_name)
    summary = builder.object_of(GPUWorkerStatus)
    for name in OF_REDIS:
        shown = summary["properties"][camel_case(name)]
        shown["type"] = [shown["type"], "null"]
    builder.defs["WorkerSighting"] = {
        "anyOf": [{"$ref": "#/$defs/LiveWorker"}, {"$ref": "#/$defs/SilentWorker"}]
    }
    seen = builder.object_of(WorkerSighting)["properties"]
    seen = {"worker": seen["worker"], "seconds": {**seen["seconds"], "type": "integer"}}
    living = builder.object_of(WorkerState)
    for name, lives, others in (("LiveWorker", True, living["properties"]), ("SilentWorker", False, {})):
        properties = {**others, **seen, "lives": {"const": lives}}
        builder.defs[name] = {"type": "object", "properties": properties, "required": list(properties)}
    report = builder.object_of(StatusReport)
    return _whole(
        "PipelineStatus",
        "What `/status.json` and `filot-ocr status --json` answer. Ids and figures only.",
        {
            "type": "object",
            "properties": {**summary["properties"], **report["properties"]},
            # `workers` is a number in the figures; the list of the report replaces it.
            "required": list(dict.fromkeys([*summary["required"], *report["required"]])),
        },
        builder,
    )


def _card_fields(builder: SchemaBuilder) -> Schema:
    return {"anyOf": [builder.of(KtpFields), builder.of(NpwpFields)]}


def _whole(title: str, description: str, schema: Schema, builder: SchemaBuilder) -> Schema:
    dialect = "https://json-schema.org/draft/2020-12/schema"
    return {"$schema": dialect, "title": title, "description": description, **schema, "$defs": builder.defs}


def _published_name(kind: type[Any], name: str) -> str:
    return PUBLISHED_NAMES[name] if kind is GPUOCRResult else camel_case(name)


def _camel_name(kind: type[Any], name: str) -> str:
    wire: Mapping[str, str] = {each.name: wire_name(each) for each in fields(kind)}
    return camel_case(wire[name])


def _without_none(hint: Any) -> Any:
    left = [each for each in getattr(hint, "__args__", ()) if each is not type(None)]
    return reduce(lambda one, other: one | other, left) if left and type(None) in hint.__args__ else hint


if __name__ == "__main__":
    sys.exit(main())
