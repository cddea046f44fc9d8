"""The rows of an awarding, hashed as a whole (OPS-7).

A national award writes a million rows at once. A digest for each in the database would cost a third of the award, so
these rows are hashed together while they are frames: one SHA-256 of their canonical form, which no change escapes, and
a CRC-32 of each row, by which a changed row is found. The hash is a sealed row of `frozen_rows`.
"""

from __future__ import annotations

import hashlib
import zlib
from array import array
from collections.abc import Sequence

import polars as pl
from attrs import field, frozen
from sqlalchemy import Connection, DateTime, Table, delete, func, insert, select

from infra.ledger import sql
from infra.ledger.sealed import FROZEN
from infra.ledger.tables import awards, choices, frozen_rows, frozen_sums, results, seals

_NULL = "\\N"


@frozen
class Canonical:
    """Rows of one table in their canonical form: a line each, in order, its values parted by tabs, instants in
    microseconds since 1970 (UTC). `rows`: the frame behind it."""

    rows: pl.DataFrame = field(repr=False)
    lines: Sequence[bytes] = field(repr=False)

    @property
    def sha256(self) -> str:
        """Of all rows."""
        return hashlib.sha256(b"\n".join(self.lines)).hexdigest()

    @property
    def sums(self) -> array[int]:
        """A CRC-32 of each row."""
        return array("I", map(zlib.crc32, self.lines))


def canonical(table: Table, rows: pl.DataFrame) -> Canonical:
    """The canonical form of rows of a table of `FROZEN`, without the awarding's id, whatever order they come in."""
    names = [column.name for column in table.columns if column.name != "awarding_id"]
    ordered = rows.select(names).sort(FROZEN[table.name], maintain_order=True)
    instants = [column.name for column in table.columns if isinstance(column.type, DateTime)]
    cells = [
        (pl.col(name).dt.epoch("us") if name in instants else pl.col(name)).cast(pl.String).fill_null(_NULL)
        for name in names
    ]
    lines = ordered.select(pl.concat_str(cells, separator="\t")).to_series()
    return Canonical(ordered, lines.str.join("\n").item().encode().split(b"\n") if lines.len() else [])


def freeze(connection: Connection, table: Table, awarding_id: int, form: Canonical) -> None:
    """Puts the hash of an awarding's rows on record, as the next edition, in the caller's transaction. The sums of an
    earlier edition go: they were of rows that named somebody."""
    t = frozen_rows.c
    edition = select(func.coalesce(func.max(t.edition), 0) + 1).where(
        t.awarding_id == awarding_id, t.table_name == table.name
    )
    row = {
        "awarding_id": awarding_id, "table_name": table.name, "edition": edition.scalar_subquery(),
        "rows": form.rows.height, "sha256": form.sha256,
    }  # fmt: skip
    earlier = select(t.id).where(t.awarding_id == awarding_id, t.table_name == table.name)
    connection.execute(delete(frozen_sums).where(frozen_sums.c.frozen_id.in_(earlier)))
    number = connection.execute(insert(frozen_rows).values(row).returning(t.id)).scalar_one()
    connection.execute(insert(frozen_sums).values(frozen_id=number, sums=form.sums.tobytes()))


def join(connection: Connection) -> None:
    """Freezes the awardings from before there was a seal, in the caller's transaction; does nothing once the chain
    holds a hash of this kind, as rows that were not frozen by the desk are then somebody else's."""
    if connection.execute(select(select(seals.c.id).where(seals.c.table_name == frozen_rows.name).exists())).scalar():
        return
    for table in (results, awards, choices):
        t = table.c
        for number in list(connection.execute(select(t.awarding_id).distinct().order_by(t.awarding_id)).scalars()):
            rows = sql.copied(connection, select(table).where(t.awarding_id == number))
            freeze(connection, table, number, canonical(table, rows))
    connection.exec_driver_sql("SELECT seal_chain()")
