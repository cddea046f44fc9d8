"""What the ledger holds, asked in SQL and not through the books under test."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from pipeline.desk import Desk


def rows(desk: Desk, query: str) -> list[tuple[Any, ...]]:
    engine = sa.create_engine(desk.settings.database_url)
    with engine.connect() as connection:
        found = [tuple(row) for row in connection.execute(sa.text(query))]
    engine.dispose()
    return found
