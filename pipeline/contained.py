"""Containment (FIL-7): an input on which our own code fails twice, with whatever error, is held by itself and skipped.
When something outside fails, the store or the ledger, no input is blamed: the run ends and is repeated."""

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
"""What our own code and its libraries can fail with; a panic in Polars is not an `Exception`."""

_OUTSIDE = (StoreError, OSError, SQLAlchemyError, psycopg2.Error, CopyError)


def outside(error: BaseException) -> bool:
    """Whether something outside failed (a store or the ledger that is gone, full or busy), and not our own code on
    its input."""
    if of_the_data(error):
        return False
    if isinstance(error, ProgrammingError | DataError) and not sqlstate(error):
        # The driver could not encode a value: PostgreSQL was never asked.
        return False
    return isinstance(error, _OUTSIDE)


def contained(work: Callable[[], R], held: Callable[[BaseException], R]) -> R:
    """What `work` returns or, when our own code fails twice, what `held` returns. Raises errors from outside."""
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
    """Logs that our code failed at `what`, and where. Only the places in the code are logged, because the message of
    an error may quote a record."""
    places = "".join(traceback.format_tb(error.__traceback__))
    log.error("%s failed with %s\n%s", what, type(error).__name__, places)
