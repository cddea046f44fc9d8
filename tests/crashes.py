"""The end of a run within a process that goes on; `bench/crashes.py` ends processes."""

from __future__ import annotations


class Crash(BaseException):
    """The run is gone: no handler of any kind runs."""
