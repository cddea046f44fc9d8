"""JSON schemas (draft 2020-12) of findings and of every record type, for programs in other languages.

They describe a finding as `resultsday check --json` prints it, and a record as `resultsday convert` writes it: text
without spaces at its end, whole numbers, dates as 2009-02-01; blank is null or left out.
"""

from __future__ import annotations

from typing import Any

from . import forms
from .findings import CODES, Reach
from .layouts import LAYOUTS, Field, Layout

DRAFT = "https://json-schema.org/draft/2020-12/schema"

_NOT_IN_RECORD = ("data_type", "record_type", "centre")
"""Said once for the whole file, or its centre, and so not required in each record."""


def schemas() -> dict[str, dict[str, Any]]:
    """Every schema by its name: `finding`, then each record type (`1`, `E5`, `A5`, `O5v12` ...)."""
    found = {"finding": finding()}
    for layout in LAYOUTS:
        record_names, _, version = layout.record.partition(", version ")
        for name in record_names.split("/"):
            found[f"{name}v{version}" if version else name] = record(layout)
    return found


def finding() -> dict[str, Any]:
    """The schema of a finding."""
    text, maybe = {"type": "string"}, {"type": ["string", "null"]}
    column = {"type": "integer", "minimum": 1}
    properties = {
        # Further codes are the desk's own.
        "code": text | {"description": f"what kind; of the format library: {', '.join(sorted(CODES))}"},
        "rule": text | {"description": "the rule behind it, as FIL-4"},
        "reach": {"enum": [reach.value for reach in Reach], "description": "how far it reaches"},
        "file": text,
        "line": {"type": ["integer", "null"], "minimum": 1, "description": "from 1; null: the whole file"},
        "columns": {
            "type": ["array", "null"],
            "prefixItems": [column, column],
            "items": False,
            "minItems": 2,
            "description": "first and last column, from 1, inclusive",
        },
        "field": maybe | {"description": "the field's name in its record type"},
        "value": maybe | {"description": "what stands there"},
        "message": text | {"description": "what is wrong"},
        "expected": text | {"description": "what should stand there"},
        "remedy": text | {"description": "what to do"},
        "candidate": maybe | {"description": "candidate number"},
        "option": maybe | {"description": "option code"},
    }
    return {
        "$schema": DRAFT,
        "title": "Finding",
        "description": "Something found in a file, or expected and not found.",
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in ("candidate", "option")],
    }


def record(layout: Layout) -> dict[str, Any]:
    """The schema of a record that is as its layout says; `x-columns` are the columns of a field in its file."""
    plain = [place for place in layout.fields if place.name != layout.overlaid]
    required = [place.name for place in plain if _is_required(place) and place.name not in _NOT_IN_RECORD]
    said: dict[str, Any] = {
        "$schema": DRAFT,
        "title": layout.record,
        "description": f"{layout.title}; {layout.width} columns",
        "type": "object",
        "properties": {place.name: _field(place) for place in plain},
        "required": required,
    }
    if layout.overlays:
        # A column of the table that this type of record has no room for is null.
        others = {place.name: {"type": "null"} for overlay in layout.overlays for place in overlay.fields}
        said["allOf"] = [
            {
                "if": {"properties": {layout.chooser: {"enum": [*overlay.types]}}},
                "then": {"properties": others | {place.name: _field(place) for place in overlay.fields}},
            }
            for overlay in layout.overlays
        ]
    return said | {"unevaluatedProperties": False}


def _is_required(place: Field) -> bool:
    """An unknown date of birth is zeros in the file, and blank in its record."""
    return place.required and place.form is not forms.BORN


def _field(place: Field) -> dict[str, Any]:
    of: dict[str, Any]
    if place.number:
        of = {"type": "integer", "minimum": 0, "maximum": 10**place.width - 1}
    elif place.kind == "D":
        of = {"type": "string", "format": "date"}
    else:
        of = {"type": "string", "maxLength": place.width, "pattern": f"^(?:{place.form.pattern})$"}
    if not _is_required(place):
        of["type"] = [of["type"], "null"]
    said = {"description": place.legend, "x-columns": [*place.columns], "x-kind": place.kind, "x-grade": place.grade}
    return of | said
