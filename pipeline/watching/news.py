"""What is new in the outboxes of centres that want to be told (OPS-10), each in a line.

It is read from the outboxes themselves: what a centre cannot fetch yet it is not told of, results under embargo least
of all; and whoever writes an outbox neither knows of this nor waits for it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from attrs import frozen

from infra.ledger.register import Told
from infra.ledger.told import Answered, Notice
from infra.store import Missing, Stored
from parsers.identifiers import filename
from pipeline.desk import Desk
from pipeline.parallel import in_parallel

RECENT = timedelta(days=7)
"""What was written before is no news any more. Ours."""


@frozen
class Kind:
    """A kind of file that centres are told of: `form` of its name, and `words` for it."""

    name: str
    form: str
    words: str


REPLY = Kind("reply", r"X\d{7}\.X\d{2,}", "")
KINDS = (
    REPLY,
    Kind("results", r"R\d{7}\.X\d{2,}", "results"),
    Kind("sample", r"sample-.*\.txt", "a sample to send"),
    Kind("feedback", r"feedback-.*\.txt", "the moderator's feedback"),
    Kind("missing_marks", r"missing-marks-.*\.txt", "marks that are missing"),
    Kind("checkpoint", r"checkpoint-.*\.txt", "learners who would get no result"),
    Kind("claims", r"claims-.*\.txt", "awards that could be claimed"),
    Kind("correction", r"correction-.*\.txt", "a correction of results"),
)
"""Every kind; of other files, such as lists that are written anew each week, nobody is told."""


def kind_of(name: str) -> Kind | None:
    """The kind of a file by its name; None: nobody is told of it."""
    return next((kind for kind in KINDS if re.fullmatch(kind.form, name)), None)


def gather(desk: Desk, wants: Mapping[str, Told], now: datetime) -> int:
    """OPS-10: puts in the queue what is new at `now` (aware) for the centres that want to be told, by number, since
    they want it. Returns how much that is."""
    known = desk.told.known(now - RECENT)
    fresh = [
        (centre, stored)
        for centre, found in zip(wants, in_parallel(lambda one: _files(desk, one), [*wants]), strict=True)
        for stored in found
        if stored.modified >= max(wants[centre].since, now - RECENT)
        and (centre, _name(stored), stored.modified) not in known
    ]
    asked = {(centre, _name(stored)) for centre, stored in fresh if kind_of(_name(stored)) is REPLY}
    answered = desk.told.answered(asked)
    return desk.told.add([*_notices(desk, fresh, answered, now)])


def _files(desk: Desk, centre: str) -> list[Stored]:
    found = desk.store.list(f"outbox/{centre}/")
    return [stored for stored in found if stored.kind == "file" and kind_of(_name(stored))]


def _name(stored: Stored) -> str:
    return stored.key.rpartition("/")[2]


def _notices(
    desk: Desk, fresh: Sequence[tuple[str, Stored]], answered: Mapping[tuple[str, str], Answered], now: datetime
) -> Iterator[Notice]:
    for centre, stored in fresh:
        name, kind = _name(stored), kind_of(_name(stored))
        reply = answered.get((centre, name))
        if kind is None or (kind is REPLY and reply is None):
            continue  # the reply says as yet only that the file has come
        try:
            sha256 = hashlib.sha256(desk.store.get(stored.key)).hexdigest()
        except Missing:
            continue
        words = f"{about(reply.file_name)}: {reply.outcome}, reply {name}" if reply else f"{kind.words}: {name}"
        yield Notice(
            centre=centre, name=name, sha256=sha256, written=stored.modified, kind=kind.name, words=words, seen=now
        )


def about(file_name: str) -> str:
    """A file by its name, where that is a name of the format: whoever gives a file another may write a person into
    it."""
    return str(filename.parse(file_name) or "a file with another name")
