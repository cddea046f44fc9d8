"""What several pages show in the same way."""

from __future__ import annotations

import re
from typing import Any

import polars as pl
from fastapi import HTTPException

from parsers.findings import Reach


def known_centre(centre: str) -> None:
    """Raises `HTTPException` for what is no number of a centre."""
    if not re.fullmatch("[0-9]{5}", centre):
        raise HTTPException(404, "A centre has five digits.")


def with_words(codes: pl.DataFrame) -> list[dict[str, Any]]:
    """Findings by code (`infra.ledger.console.CODES`), with how far each reaches in a word."""
    return [row | {"spoken": Reach(row["reach"]).spoken} for row in codes.iter_rows(named=True)]
