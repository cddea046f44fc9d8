"""Containment (FIL-7): an input on which our own code fails twice is held by itself and passed over, whatever it fails
with. When the world outside fails, a store or the ledger, nobody's input is blamed: the run ends, and is repeated."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from typing import TypeVar

import psycopg2
from polars.exceptions import PanicException
from sqlalchemy.exc import DataError, ProgrammingError, SQLAlchemyError

from infra.ledger.sql import CopyError, of_the_data, sqlstate
from infra.store import StoreError

log = logging.getLogger(__name__)

R = TypeVar("R")

FAILURES = (Exception, PanicException)
"""What code of ours, and of the libraries it stands on, can fail with; Polars' panics are no `Exception`."""

_OUTSIDE = (StoreError, OSError, SQLAlchemyError, psycopg2.Error, CopyError)


def outside(error: BaseException) -> bool:
    """Whether it was the world outside that failed (a store or the ledger that is gone, full or busy), and not our own
    code at what it was given."""
    if of_the_data(error):
        return False
    if isinstance(error, ProgrammingError | DataError) and not sqlstate(error):
        # The driver itself could not write a value down: PostgreSQL was not asked.
        return False
    return isinstance(error, _OUTSIDE)


def contained(work: Callable[[], R], held: Callable[[BaseException], R]) -> R:
    """What `work` gives; when it fails on our side twice, what `held` makes of that. Raises what fails outside."""
    try:
        return work()
    except FAILURES as error:
        if outside(error):
            raise
    try:
        return work()
    except FAILURES as error:
        if outside(error):
            raise
        return held(error)


def log_failure(what: str, error: BaseException) -> None:
    """Says that our code failed at `what`, and where: the message of an error may quote a record, the places in our
    code do not."""
    places = "".join(traceback.format_tb(error.__traceback__))
    log.error("%s failed with %s\n%s", what, type(error).__name__, places)
