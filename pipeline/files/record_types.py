"""Record types for people: found by name, shown as tables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from parsers.layouts import FILE_TYPES, LAYOUTS, Field, FileType, Layout
from pipeline.files.aligned import folded


def names() -> dict[str, tuple[str, Layout]]:
    """Every record type, with its title, by each name that a person may type, in upper case: `E5`, `O5V12`, `1`."""
    known = {}
    for layout in LAYOUTS:
        record, _, version = layout.record.partition(", version ")
        title = f"{layout.title}, formats version {version}" if version else layout.title
        for name in record.split("/"):
            known[f"{name}V{version}" if version else name] = title, layout
    return known


def record_type(asked: str) -> Layout | FileType | None:
    """The record type, or file type, of that name; None when there is none."""
    name = re.sub("[^0-9A-Z]", "", asked.upper().replace("VERSION", "V"))
    known = names().get(name)
    if known:
        return known[1]
    kind = FILE_TYPES.get(name)
    return kind.detail or kind if kind else next((layout for layout in LAYOUTS if layout.record == asked), None)


def overview() -> Iterator[str]:
    """All record types, one per line, and the letters of files."""
    rows = [(name, str(layout.width), title) for name, (title, layout) in names().items()]
    yield from folded(("record", "columns", "title"), rows)
    yield ""
    files = [
        (file.letter, file.detail.record if file.detail else "text", file.sender, file.title)
        for file in FILE_TYPES.values()
    ]
    yield from folded(("file", "records", "from", "title"), files)


def shown(layout: Layout, width: int | None) -> Iterator[str]:
    """A record type as a table at most `width` wide (None: any width), with its overlays below."""
    yield f"{layout.record}: {layout.title}, {layout.width} columns"
    yield ""
    yield from _table(layout.fields, width)
    for overlay in layout.overlays:
        types = ", ".join(overlay.types)
        yield ""
        yield f"{layout.overlaid} where {layout.chooser} is {types}: {overlay.title.replace('`', '')}"
        yield ""
        yield from _table(overlay.fields, width)


_HEAD = ("field", "columns", "width", "kind", "required", "grade", "contents")


def _table(fields: tuple[Field, ...], width: int | None) -> Iterator[str]:
    rows = [
        (
            field.name,
            columns_of(field),
            str(field.width),
            field.kind,
            "yes" if field.required else "no",
            field.grade,
            field.legend.replace("`", ""),
        )
        for field in fields
    ]
    yield from folded(_HEAD, rows, width)


def columns_of(field: Field) -> str:
    """`13-52`, or `13` where there is only one column."""
    return f"{field.first}-{field.last}" if field.width > 1 else str(field.first)


def as_data(layout: Layout) -> dict[str, Any]:
    """A record type as plain data."""
    return {
        "record": layout.record,
        "title": layout.title,
        "width": layout.width,
        "fields": [_field(field) for field in layout.fields],
        "overlays": [
            {"field": layout.overlaid, "where": layout.chooser, "is": list(overlay.types), "title": overlay.title}
            | {"fields": [_field(field) for field in overlay.fields]}
            for overlay in layout.overlays
        ],
    }


def _field(field: Field) -> dict[str, Any]:
    return {
        "name": field.name,
        "first": field.first,
        "last": field.last,
        "width": field.width,
        "kind": field.kind,
        "required": field.required,
        "contents": field.legend,
        "expected": field.form.words,
        "grade": field.grade,
    }
