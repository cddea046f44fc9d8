"""What is not kept for ever on this machine and in Airflow: logs, what killed processes left, old runs (OPS-9). No
result rests on it, so nothing of this is recorded for replay."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from infra.running.airflow_rows import old_rows, remove_rows
from infra.running.airflow_setup import airflow_home
from infra.settings import Settings
from pipeline.keeping.due import Due
from rules.keeping import KEEPING

OWN_FOLDERS = (".", "airflow", "run")
"""Folders of the state folder in which the desk replaces files of its own."""


def on_this_machine(settings: Settings, now: datetime, *, carry_out: bool) -> tuple[Due, ...]:
    """What is due at `now` (aware) of the files on this machine, which are removed only if it is to be carried out."""
    state = settings.state.absolute()
    places = {
        "logs": state.joinpath("logs").glob("*"),
        "drafts": (path for folder in OWN_FOLDERS for path in (state / folder).glob(".*")),
        "airflow-logs": (airflow_home(settings) / "logs").rglob("*"),
    }
    return tuple(_files(name, paths, now, carry_out=carry_out) for name, paths in places.items())


def in_airflow(settings: Settings, now: datetime, *, carry_out: bool) -> Due:
    """The rows of Airflow's tables that are due at `now` (aware), which are removed only if it is to be carried out.
    Raises `AirflowRowsError`."""
    kept = KEEPING["airflow-rows"]
    before = kept.before(now)
    count = old_rows(settings, before)
    if carry_out and count:
        remove_rows(settings, before)
    return Due(kept=kept, count=count)


def _files(name: str, paths: Iterable[Path], now: datetime, *, carry_out: bool) -> Due:
    kept, count, size = KEEPING[name], 0, 0
    for path, bytes_ in _older(list(paths), kept.before(now)):
        count, size = count + 1, size + bytes_
        if carry_out:
            with suppress(FileNotFoundError):
                path.unlink()
            with suppress(OSError):  # not empty, or the folder of all
                if name == "airflow-logs":
                    path.parent.rmdir()
    return Due(kept=kept, count=count, size=size)


def _older(paths: Iterable[Path], before: datetime) -> Iterator[tuple[Path, int]]:
    """The plain files that were last written to before an instant, with their bytes."""
    for path in sorted(paths):
        with suppress(FileNotFoundError):
            status = path.lstat()
            if path.is_file() and not path.is_symlink() and datetime.fromtimestamp(status.st_mtime, UTC) < before:
                yield path, status.st_size
