"""What several pages show in the same way."""

from __future__ import annotations

import re
from collections.abc import Iterable
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


_UCI = re.compile(r"\b[0-9]{5}[0-9A-Z]{7}[A-Z]\b")
DOTS = "\N{BULLET}" * 6


def without_ucis(words: str, typed: Iterable[str] = ()) -> str:
    """A sentence without the UCIs that whoever reads it has not typed themselves (OPS-3)."""
    known = {re.sub(r"\W", "", said).upper() for said in typed}
    return _UCI.sub(lambda found: found[0] if found[0] in known else DOTS, words)
