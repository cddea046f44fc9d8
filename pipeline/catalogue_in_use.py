"""The catalogue in use: its files as they are, or while they cannot be read, as they last could be, with the dates
that staff have set (CAL-7). A bad line is told with file, line and column wherever somebody looks, and takes nothing
down."""

from __future__ import annotations

import hashlib
import logging
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import frozen

from infra.host import make_folder, private_file, write_private
from infra.ledger.calendar import ChangeRow
from infra.settings import Settings
from rules import terms
from rules.calendar import LONDON, Milestone, StaffDate, in_order
from rules.sheets import ANY, CatalogueError

if TYPE_CHECKING:
    from rules.catalogue import Catalogue

log = logging.getLogger(__name__)

FOLDER = "catalogue-copies"
"""In the state folder: the catalogues that could be read, each in a folder named after its hash."""
NEWEST = "newest"


@frozen
class InUse:
    """A catalogue, and what is wrong with the files that should be in its place; empty: nothing."""

    catalogue: Catalogue
    fault: str = ""


def in_use(settings: Settings) -> InUse:
    """The catalogue of the settings; while its files cannot be read, the last of them that this machine could read.
    Raises `CatalogueError` if there is none."""
    # Airflow's scheduler, which must not start threads, reads this module for everything but this.
    from rules.catalogue import Catalogue

    try:
        catalogue = Catalogue.load(settings.catalogue)
    except CatalogueError as error:
        last = last_readable(settings)
        if last is None:
            raise
        fault = f"{error}. Nothing of the changed catalogue is in force; the desk goes on with the one before it."
        with suppress(CatalogueError):
            before = Catalogue.load(last)
            log.error("%s", fault)
            return InUse(before, fault)
        raise  # a copy of another version of the desk's, with other columns
    # Where nothing can be written, there is nothing to fall back on.
    with suppress(OSError):
        _keep(settings)
    return InUse(catalogue)


def last_readable(settings: Settings) -> Path | None:
    """The folder with a copy of the last catalogue that could be read on this machine; None when there is none."""
    kept = settings.state / FOLDER
    try:
        folder = kept / (kept / NEWEST).read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        return None
    return folder if folder.is_dir() else None


def dates_of_staff(changes: Iterable[ChangeRow], milestones: Sequence[Milestone]) -> tuple[StaffDate, ...]:
    """CAL-7: the dates that staff have confirmed, each at the time of day that the catalogue's own `milestones` give
    its event. A date whose series or event the catalogue no longer has is left out."""
    seeds = {(date.series, date.event, date.component): date for date in in_order(milestones)}

    def made(change: ChangeRow) -> StaffDate | None:
        seed = seeds.get((change.series, change.event, change.component), seeds.get((change.series, change.event, ANY)))
        if change.decision != terms.CONFIRMED or change.since is None or seed is None:
            return None
        since = change.since.astimezone(LONDON)
        return StaffDate(
            series=change.series,
            event=change.event,
            component=change.component,
            day=seed.day if change.day is None else change.day,
            clock=seed.clock,
            time_placeholder=seed.time_placeholder,
            in_force_from=since.date(),
            placeholder=False,
            source=f"ours: change {change.number} of the calendar",
            since=since,
            number=change.number,
            general=change.day is None,
        )

    return tuple(date for change in changes if (date := made(change)))


def _keep(settings: Settings) -> None:
    """Copies the files, unless they are the newest copy already; older copies go."""
    files = {path.name: path.read_bytes() for path in sorted(settings.catalogue.glob("*.csv"))}
    digest = hashlib.sha256()
    for name, data in files.items():
        digest.update(f"{name} {len(data)}\n".encode() + data)
    kept, name = settings.state / FOLDER, digest.hexdigest()[:16]
    before = last_readable(settings)
    if before is not None and before.name == name:
        return
    make_folder(kept, 0o700)
    if not (kept / name).is_dir():
        draft = Path(tempfile.mkdtemp(prefix=".", dir=kept))
        for file, data in files.items():
            with open(draft / file, "wb", opener=private_file) as copy:
                copy.write(data)
        # Another process may have been faster with the same.
        with suppress(OSError):
            draft.rename(kept / name)
        shutil.rmtree(draft, ignore_errors=True)
    write_private(kept / NEWEST, name)
    for folder in kept.iterdir():
        if folder.is_dir() and folder.name not in (name, before.name if before else name):
            shutil.rmtree(folder, ignore_errors=True)
