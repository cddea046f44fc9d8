"""Record types as a person asks for them: found by name, shown as tables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from parsers.layouts import FILE_TYPES, LAYOUTS, Field, FileType, Layout
from pipeline.files.aligned import folded


def names() -> dict[str, tuple[str, Layout]]:
    """Every record type by the names it can be asked for, upper case, with its title: `E5`, `O5V12`, `1`."""
    known = {}
    for layout in LAYOUTS:
        record, _, version = layout.record.partition(", version ")
        title = f"{layout.title}, formats version {version}" if version else layout.title
        for name in record.split("/"):
            known[f"{name}V{version}" if version else name] = title, layout
    return known


def record_type(asked: str) -> Layout | FileType | None:
    """The record type, or file type, that is asked for; null when there is none of that name."""
    name = re.sub("[^0-9A-Z]", "", asked.upper().replace("VERSION", "V"))
    known = names().get(name)
    if known:
        return known[1]
    kind = FILE_TYPES.get(name)
    return kind.detail or kind if kind else next((one for one in LAYOUTS if one.record == asked), None)


def overview() -> Iterator[str]:
    """All record types, a line each, and the letters of files."""
    rows = [(name, str(layout.width), title) for name, (title, layout) in names().items()]
    yield from folded(("record", "columns", "title"), rows)
    yield ""
    files = [
        (one.letter, one.detail.record if one.detail else "text", one.sender, one.title) for one in FILE_TYPES.values()
    ]
    yield from folded(("file", "records", "from", "title"), files)


def shown(layout: Layout, width: int | None) -> Iterator[str]:
    """A record type as a table at most `width` wide (null: as wide as it is), and its overlays below."""
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
            one.name,
            columns_of(one),
            str(one.width),
            one.kind,
            "yes" if one.required else "no",
            one.grade,
            one.legend.replace("`", ""),
        )
        for one in fields
    ]
    yield from folded(_HEAD, rows, width)


def columns_of(one: Field) -> str:
    """`13-52`, or `13` where there is only one column."""
    return f"{one.first}-{one.last}" if one.width > 1 else str(one.first)


def as_data(layout: Layout) -> dict[str, Any]:
    """A record type as plain data."""
    return {
        "record": layout.record,
        "title": layout.title,
        "width": layout.width,
        "fields": [_field(one) for one in layout.fields],
        "overlays": [
            {"field": layout.overlaid, "where": layout.chooser, "is": list(overlay.types), "title": overlay.title}
            | {"fields": [_field(one) for one in overlay.fields]}
            for overlay in layout.overlays
        ],
    }


def _field(one: Field) -> dict[str, Any]:
    return {
        "name": one.name,
        "first": one.first,
        "last": one.last,
        "width": one.width,
        "kind": one.kind,
        "required": one.required,
        "contents": one.legend,
        "expected": one.form.words,
        "grade": one.grade,
    }
