"""What several workers of a run need is made by the first that asks; the others read what it has left."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from fcntl import LOCK_EX, flock
from pathlib import Path
from typing import TypeVar

import pytest

T = TypeVar("T")


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], T]) -> T:
    """What `make` gives for an empty folder, which stays for all workers until the run ends. It can be pickled."""
    base = factory.getbasetemp()
    place = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / name
    with place.with_suffix(".lock").open("w") as lock:
        flock(lock, LOCK_EX)
        left = place / "made"
        if left.exists():
            known: T = pickle.loads(left.read_bytes())
            return known
        place.mkdir()
        made = make(place)
        left.write_bytes(pickle.dumps(made))
        return made
