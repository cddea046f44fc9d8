"""Files of a copied catalogue, read and changed line by line."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

Cells = Mapping[str, str]


def rows_of(folder: Path, file: str) -> list[dict[str, str]]:
    with (folder / file).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def write(folder: Path, file: str, rows: Sequence[Cells]) -> None:
    with (folder / file).open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def change(folder: Path, file: str, of: Cells, to: Cells) -> int:
    """Changes cells of the first line that has those of `of`; returns its number."""
    rows = rows_of(folder, file)
    index = next(i for i, row in enumerate(rows) if of.items() <= row.items())
    rows[index].update(to)
    write(folder, file, rows)
    return index + 2


def add(folder: Path, file: str, of: Cells, to: Cells) -> int:
    """Adds a copy of the first line that has the cells of `of`, with those of `to`; returns its number."""
    rows = rows_of(folder, file)
    model = next(row for row in rows if of.items() <= row.items())
    write(folder, file, [*rows, {**model, **to}])
    return len(rows) + 2


def remove(folder: Path, file: str, of: Cells) -> None:
    write(folder, file, [row for row in rows_of(folder, file) if not of.items() <= row.items()])
