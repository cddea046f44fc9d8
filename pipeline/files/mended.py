"""`resultsday check --mended`: writes a file as it should have been written, for its sender to look at and send."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from attrs import frozen

from parsers.foreign import narrow, wide
from parsers.mend import mended
from parsers.reader import name_of, read
from pipeline.files.check import Checked, Exit, check_file
from pipeline.files.named_files import MENDED, is_bundle_file
from rules.catalogue import Catalogue


@frozen
class Mended:
    """What became of a file: `written` is its mended file, of which `checked` says what is left; or `why` there is
    none."""

    written: Path | None = None
    checked: Checked | None = None
    why: str = ""


def mend(path: Path, data: bytes, before: Checked, catalogue: Catalogue, received: datetime | None) -> Mended:
    """FIL-4: writes the mended file of `path` (whose check was `before`) into the folder `mended` beside it, where
    there is no doubt what it should be. A file that is there already stays. Raises `OSError`."""
    if is_bundle_file(path.name, data):
        return Mended(why="a bundle is not mended: fetch it again")
    encoding = wide(data)
    submission = read(path.name, narrow(data) if encoding else data)
    now = mended(submission)
    if now is None:
        return Mended(why="not mended: what is wrong leaves doubt about what it should be")
    name = str(submission.name or name_of(submission.header, submission.centres) or path.name)
    if now == data and name == path.name:
        return Mended(why="not mended: nothing in it can be mended without asking somebody" if before.findings else "")
    target = path.parent / MENDED / name
    [checked] = check_file(str(target), now, catalogue, received)
    if checked.exit >= Exit.FILE:
        return Mended(why="not mended: what is wrong leaves doubt about what it should be")
    target.parent.mkdir(exist_ok=True)
    if target.exists() and target.read_bytes() != now:
        return Mended(why=f"not mended: {target} is there already and holds something else")
    target.write_bytes(now)
    return Mended(target, checked)
