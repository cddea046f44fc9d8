"""A small season in stages, for the crash matrix: what lies there before each job, and the job.

Every centre registers and enters its learners by file and sends their marks, the last centre late. Of its learners the
last claims late (of the first centre in a file that is held) and the one before has no mark in the external component
yet; beside the files lie held ones, a refused one, a folder, and a file outside every centre's folder. Moderators agree
with the first centre only.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import polars as pl
import sqlalchemy as sa
from attrs import evolve, frozen

from fixtures.generate import boundaries, people
from infra.ledger.door import Fetched, Visit
from infra.ledger.keeping import Dispute
from infra.ledger.moderation import CohortName
from infra.ledger.results import Awarding
from infra.ledger.told import Notice
from infra.store import FolderStore
from parsers.layouts import MARK
from parsers.writer import block, candidate_records, details, single
from pipeline.approvals import put_forward
from pipeline.awarding.award import approve_boundaries, award, award_claims, reject_boundaries, take_boundaries
from pipeline.awarding.balance import balance, counted, listed_exceptions
from pipeline.awarding.drift import look
from pipeline.awarding.exception_approval import accept, take_back
from pipeline.awarding.preview import preview
from pipeline.centres.orders import Application, CentreEdit, decide_approval, edit_centre
from pipeline.centres.take import take_register
from pipeline.corrections.cases import Request, open_case, propose
from pipeline.corrections.cases import approve as approve_case
from pipeline.corrections.cases import reject as reject_case
from pipeline.corrections.effect import Plan
from pipeline.desk import Desk
from pipeline.intake import quarantine
from pipeline.intake.ingest import ingest
from pipeline.intake.shards import begin, decide_share, end
from pipeline.intake.staff import STAFF_FEED, Entry, allow_sitting, change_entry, complete_marks
from pipeline.keeping.dispute import dispute
from pipeline.keeping.keep import keep
from pipeline.learners.orders import Details, correct, correct_details, merge, split, transfer
from pipeline.marking.external import missing_marks, take_external
from pipeline.marking.moderation import approve as adjust
from pipeline.marking.moderation import reject, review, take
from pipeline.marking.samples import sample
from pipeline.orders import Order
from pipeline.results.after_results import late_claims, updated
from pipeline.results.certificates import certificates
from pipeline.results.claim_lists import claim_lists
from pipeline.results.release import approve, build, release, release_passed, withdraw
from pipeline.results.withholding import Scope, end_withholding, withhold
from pipeline.season import moving
from pipeline.season.basedata import publish_basedata
from pipeline.season.changes import DateChange
from pipeline.season.checkpoints import checkpoint
from pipeline.season.deadlines import write_deadlines
from pipeline.season.extensions import extend
from pipeline.season.extensions import withdraw as withdraw_extension
from pipeline.season.statements import statements
from rules import terms
from rules.balance import CODES
from rules.catalogue import LONDON, Series

NEW_UCI = "582012110007M"
OPENED = datetime(2023, 9, 1, 12, tzinfo=LONDON)
REGISTERED = datetime(2023, 9, 18, 12, tzinfo=LONDON)
ENTERED = datetime(2024, 2, 15, 12, tzinfo=LONDON)
MARKED = datetime(2024, 5, 1, 12, tzinfo=LONDON)
TAKEN = datetime(2024, 5, 2, 12, tzinfo=LONDON)
SAMPLED = datetime(2024, 5, 16, 6, tzinfo=LONDON)
MODERATED = datetime(2024, 6, 10, 12, tzinfo=LONDON)
REVIEWED = datetime(2024, 6, 28, 6, tzinfo=LONDON)
AWARDED = datetime(2024, 8, 10, 12, tzinfo=LONDON)
APPROVED = datetime(2024, 8, 14, 12, tzinfo=LONDON)
TO_CENTRES = datetime(2024, 8, 21, 0, 1, tzinfo=LONDON)
TO_LEARNERS = datetime(2024, 8, 22, 0, 1, tzinfo=LONDON)
CLAIMED = datetime(2024, 9, 2, 12, tzinfo=LONDON)
ASKED = datetime(2024, 9, 5, 12, tzinfo=LONDON)
YEARS_LATER = datetime(2060, 1, 7, 3, tzinfo=LONDON)
"""Late enough for everything that is not kept for ever, whenever the season is played."""
MINUTE = timedelta(minutes=1)
WHO, WHY = "J. Clerk", "a season of the crash matrix"
ORDER = Order(WHO, WHY, TAKEN + 2 * MINUTE)
LATER_CERTIFICATES, SOONER_CERTIFICATES = (
    DateChange(series="2024-06", event="certificates_due", day=day) for day in ("2024-11-29", "2024-11-22")
)
FIRST, SECOND, THIRD = "10000", "10001", "10002"
COMPONENTS = ("BEN01", "BEN02", "BEN03")
CLAIM = "BEN99"
FORECASTS, ENTRIES_AGAIN, FORECASTS_TOO = "F1000015.X03", "E1000015.X02", "F1000115.X03"
"""Files that are held: two of the first centre, one of the second."""


@frozen
class Size:
    """How many centres, and learners at each; three at least."""

    centres: int = 3
    learners: int = 3

    def numbers(self) -> list[str]:
        """The centres' numbers."""
        return [f"{int(FIRST) + number}" for number in range(self.centres)]

    def learners_of(self, centre: str) -> list[dict[str, str]]:
        """The learners of a centre, as values of the candidate record."""
        return list(people(centre, self.learners, seed=int(centre)))


@frozen
class Stage:
    """A job of the season, by its name in `pipeline/jobs.py`; `prepare` is what the world does before it."""

    name: str
    job: str
    prepare: Callable[[Desk, Size], object]
    play: Callable[[Desk], object]


def land(desk: Desk, key: str, data: bytes, when: datetime) -> None:
    """Has a file land at an instant."""
    assert isinstance(desk.store, FolderStore)
    desk.store.put(key, data)
    os.utime(desk.store.root / key, (when.timestamp(), when.timestamp()))


def _register(desk: Desk, size: Size) -> None:
    """The register of centres: all but the last offer our GCSEs. Another file is none."""
    rows = [
        f"{centre},School {centre},CF24 3QX,exams@{centre}.example,{'' if centre == size.numbers()[-1] else 2022},"
        "2022-09-01,"
        for centre in size.numbers()
    ]
    heading = "number,name,postcode,contact,gcse_years,active_from,active_to"
    land(desk, "feeds/centres/register.csv", "\r\n".join([heading, *rows]).encode(), OPENED)
    land(desk, "feeds/centres/unusable.csv", b"number\r\n10000\r\n", OPENED)


def _approved(desk: Desk) -> object:
    """The centre without GCSEs, by a decision of staff."""
    about = Application(centre=Size().numbers()[-1], qualification="*")
    return decide_approval(desk, about, terms.GRANTED, "2023-09-01", OPENED, WHO, WHY)


def _inbox(desk: Desk, size: Size) -> None:
    for centre in size.numbers():
        for name, data, when in _files(centre, size.learners_of(centre)):
            if centre != size.numbers()[-1] or not name.startswith("M"):
                land(desk, f"inbox/{centre}/{name}", data, when)
    first = size.numbers()[0]
    forecasts = _file("F", first, b"", "6B24", 3)
    land(desk, f"inbox/{first}/{FORECASTS}", forecasts, ENTERED)
    again = _entries(first, size.learners_of(first), sequence=2, claim=True)
    land(desk, f"inbox/{first}/{ENTRIES_AGAIN}", again, ENTERED + MINUTE)
    land(desk, f"inbox/{first}/E{first}15.X04", b"no file of ours\r\n", ENTERED)
    land(desk, "inbox/lost.X01", forecasts, ENTERED)
    land(desk, f"try/{first}/{ENTRIES_AGAIN}", again, ENTERED)
    second = size.numbers()[1]
    land(desk, f"inbox/{second}/{FORECASTS_TOO}", _file("F", second, b"", "6B24", 3), ENTERED)
    assert isinstance(desk.store, FolderStore)
    folder = desk.store.root / "inbox" / first / "Entries 2024"
    folder.mkdir()
    os.utime(folder, (ENTERED.timestamp(), ENTERED.timestamp()))


def _files(centre: str, learners: list[dict[str, str]]) -> Iterator[tuple[str, bytes, datetime]]:
    """Name, bytes and receipt of a centre's files."""
    registered = block(line for learner in learners for line in candidate_records("E", centre, learner, ("BEN22",)))
    marks = pl.DataFrame(
        [
            {
                "centre": centre,
                "candidate": learner["candidate"],
                "uci": learner["uci"],
                "component": component,
                "mark": mark,
            }
            for mark, learner in enumerate(learners, 40)
            for component in COMPONENTS[:2]
        ]
    )
    yield f"E{centre}13.X01", _file("E", centre, registered, "9B23", 1), REGISTERED
    yield f"E{centre}15.X01", _entries(centre, learners, sequence=1), ENTERED
    yield f"M{centre}15.X01", _file("M", centre, details("M", MARK, marks), "6B24", 1), MARKED


def _sent_again(desk: Desk, size: Size) -> None:
    """An amendment of each centre, which says of its learners what is so."""
    for centre in size.numbers():
        learners = size.learners_of(centre)
        lines = [line for learner in learners for line in candidate_records("A", centre, learner, ("BEN22",))]
        land(desk, f"inbox/{centre}/A{centre}13.X02", _file("A", centre, block(lines), "9B23", 2), ENTERED)


def _ingest_by_several(desk: Desk) -> object:
    """Two decide the files of a centre or two, and a third what is left. Of four shards, because of two all centres of
    the season are in the same."""
    several = evolve(desk, settings=evolve(desk.settings, shards=4, batch_files=1))
    for shard in begin(several, TAKEN + MINUTE).given:
        decide_share(several, shard)
    return end(several, TAKEN + MINUTE)


def _entries(centre: str, learners: list[dict[str, str]], sequence: int, *, claim: bool = False) -> bytes:
    """All but the last learner claim; with `claim` that one too."""
    lines = (
        line
        for learner in learners
        for line in candidate_records(
            "E", centre, learner, (*COMPONENTS, *((CLAIM,) if claim or learner is not learners[-1] else ()))
        )
    )
    return _file("E", centre, block(lines), "6B24", sequence)


def _file(letter: str, centre: str, records: bytes, series: str, sequence: int) -> bytes:
    body = "13" if series == "9B23" else "15"
    return single(letter, centre, records, awarding_body=body, series_key=series, sequence=sequence, produced="010922")


def _late_marks(desk: Desk, size: Size) -> None:
    """The last centre sends its marks."""
    last = size.numbers()[-1]
    for name, data, when in _files(last, size.learners_of(last)):
        if name.startswith("M"):
            land(desk, f"inbox/{last}/{name}", data, when)
    ingest(desk, TAKEN + MINUTE)


def _moderators(desk: Desk, size: Size) -> None:
    """Two moderators: one is done with a component, where only the first centre's marks are within tolerance; the other
    has looked at a single learner of another. A third file is none."""
    rows = [
        f"2024-06,{centre},{COMPONENTS[0]},{learner['uci']},{mark - (0 if centre == FIRST else 8)},Moderator 1"
        for centre in size.numbers()
        for mark, learner in enumerate(size.learners_of(centre), 40)
    ]
    begun = f"2024-06,{FIRST},{COMPONENTS[1]},{size.learners_of(FIRST)[0]['uci']},40,Moderator 2"
    heading = "series,centre,component,uci,mark,moderator"
    for name, lines in (("done", rows), ("begun", [begun]), ("unusable", [])):
        data = "\r\n".join([heading if lines else "uci", *lines])
        land(desk, f"feeds/moderation/{name}.csv", data.encode(), MODERATED)


def _proposed(centre: str) -> CohortName:
    """The cohort of a centre whose marks a moderator did not agree with."""
    return CohortName("2024-06", centre, COMPONENTS[0])


def _cohort_withheld() -> Scope:
    """A cohort whose results are withheld for a while."""
    return Scope(series="2024-06", centre=FIRST, option=COMPONENTS[1])


def _sitting(desk: Desk) -> object:
    [uci] = [learner["uci"] for learner in Size().learners_of(SECOND)[:1]]
    return allow_sitting(desk, SECOND, uci, COMPONENTS[2], 1, ORDER)


def _learner(place: int) -> str:
    """The UCI of a learner of the second centre."""
    return str(Size().learners_of(SECOND)[place]["uci"])


def _external(desk: Desk, size: Size, name: str, when: datetime, which: slice, mark: int = 50) -> None:
    """The board's own marks of some of each centre's learners."""
    rows = ["series,centre,candidate,uci,component,mark,status"]
    for centre in size.numbers():
        rows += [
            f"2024-06,{centre},{learner['candidate']},{learner['uci']},BEN03,{mark},"
            for learner in size.learners_of(centre)[which]
        ]
    land(desk, f"feeds/external-marks/{name}.csv", "\r\n".join(rows).encode(), when)


def _externals(desk: Desk, size: Size) -> None:
    _external(desk, size, "first", TAKEN, slice(None, -2))
    _external(desk, size, "last", TAKEN, slice(-1, None))


def _corrected(desk: Desk, size: Size) -> None:
    """A mark of every centre changes after the results were built."""
    _external(desk, size, "corrected", AWARDED, slice(-1, None), mark=51)
    take_external(desk, AWARDED + MINUTE)


def _boundaries(desk: Desk, size: Size) -> None:
    land(desk, "feeds/boundaries/2024-06.csv", boundaries("2024-06", dict.fromkeys(COMPONENTS, 60)), TAKEN)
    land(desk, "feeds/boundaries/unusable.csv", b"series,component\r\n2024-06,BEN01\r\n", TAKEN)


NOT_CLAIMED = """
    SELECT centre, candidate, uci FROM entries WHERE series = '2024-06' AND ended_by IS NULL
    GROUP BY centre, candidate, uci HAVING bool_and(option <> :claim) ORDER BY centre, candidate
"""


def _claims_by_staff(desk: Desk) -> object:
    """The last learner of each centre claims after all."""
    with desk.ledger.engine.connect() as connection:
        learners = connection.execute(sa.text(NOT_CLAIMED), {"claim": CLAIM}).all()
    order = Order(WHO, WHY, CLAIMED)
    return [
        change_entry(desk, "claim", Entry(centre, "2024-06", candidate, uci, CLAIM), order, certificate=True)
        for centre, candidate, uci in learners
    ]


def _claim_withdrawn(desk: Desk, size: Size) -> None:
    """After the approval a claim of the third centre is withdrawn: the release keeps the centre back."""
    learner = size.learners_of(THIRD)[0]
    entry = Entry(THIRD, "2024-06", learner["candidate"], learner["uci"], CLAIM)
    key = change_entry(desk, "withdrawal", entry, Order(WHO, WHY, APPROVED + MINUTE))
    land(desk, key, desk.store.get(key), APPROVED + MINUTE)
    ingest(desk, APPROVED + 3 * MINUTE)


def _claims_taken(desk: Desk, size: Size) -> None:
    """The claims are decided."""
    for stored in list(desk.store.list(STAFF_FEED.place)):
        if stored.kind == "file":
            land(desk, stored.key, desk.store.get(stored.key), CLAIMED)
    ingest(desk, CLAIMED + 2 * MINUTE)


def _pending(desk: Desk, size: Size) -> None:
    """The marks come that were not there on results day."""
    _external(desk, size, "pending", CLAIMED, slice(-2, -1))
    take_external(desk, CLAIMED + MINUTE)


def _for_issued(desk: Desk, size: Size) -> None:
    """The board marks the first learner of each centre again, whose results are out."""
    _external(desk, size, "again", ASKED, slice(0, 1), mark=55)


def _boundaries_for_issued(desk: Desk, size: Size) -> None:
    land(desk, "feeds/boundaries/again.csv", boundaries("2024-06", dict.fromkeys(COMPONENTS, 50)), ASKED)


def _moderators_for_issued(desk: Desk, size: Size) -> None:
    """A moderator has looked again at a learner of the second centre."""
    row = f"2024-06,{SECOND},{COMPONENTS[0]},{size.learners_of(SECOND)[0]['uci']},60,Moderator 1"
    heading = "series,centre,component,uci,mark,moderator"
    land(desk, "feeds/moderation/again.csv", f"{heading}\r\n{row}\r\n".encode(), ASKED)


def _open_case(desk: Desk) -> object:
    request = Request(
        kind="clerical_recheck", about=[COMPONENTS[0]], by="a centre", on="2024-09-05", consent="2024-09-01"
    )
    return open_case(desk, _series(desk), request, WHO, WHY, ASKED + MINUTE)


def _propose(desk: Desk) -> object:
    """What the board's own marks of the first case say."""
    case = desk.corrections.numbered(1)
    assert case
    marks = {str(subject): subject.given for subject in case.subjects}
    return propose(desk, 1, Plan(kind="error_of_the_board", marks=marks), WHO, WHY, ASKED + MINUTE)


def _withholding_proposed(desk: Desk, size: Size) -> None:
    """Somebody wants a cohort of the second centre withheld whose results are out (RES-8)."""
    request = Request(kind=terms.WITHHOLDING, about=[f"{SECOND}/*/{COMPONENTS[1]}"], by="a centre", on="2024-09-05")
    case = open_case(desk, _series(desk), request, WHO, WHY, ASKED + 4 * MINUTE)
    propose(desk, case.number, Plan(), WHO, WHY, ASKED + 4 * MINUTE)


def _last_case(desk: Desk) -> int:
    return max(case.number for case in desk.corrections.all())


def _series(desk: Desk) -> Series:
    found = desk.catalogue.series_by_id("2024-06")
    assert found
    return found


def _newest(desk: Desk) -> Awarding:
    found = desk.results.newest("2024-06")
    assert found
    return found


def _nothing(desk: Desk, size: Size) -> None:
    """The world does nothing."""


def _again(desk: Desk, size: Size) -> None:
    """Awarded anew, and everything accepted."""
    balance(desk, award(desk, _series(desk), AWARDED).awarding, AWARDED)
    _accepted(desk)


def _accepted(desk: Desk) -> object:
    """Somebody accepts what blocks the results: marks that are not there, cohorts that are not decided."""
    listed, series = listed_exceptions(desk, _newest(desk)), _series(desk).id
    assert listed is not None
    # Each of them, as people press again where a run has died.
    return [
        accept(desk, f"{series} {code} {component}", WHO, WHY, AWARDED)
        for code, component, _ in counted(listed).iter_rows()
        if CODES[code].acceptable
    ]


def _weighed(desk: Desk, size: Size) -> None:
    """What blocks the newest version is accepted."""
    balance(desk, _newest(desk), TO_LEARNERS)
    _accepted(desk)


def _all_accepted(desk: Desk, size: Size) -> None:
    _accepted(desk)


def _missing(desk: Desk) -> object:
    return take_back(desk, f"2024-06 BOARD_MARK_MISSING {COMPONENTS[2]}", WHO, WHY, AWARDED + MINUTE)


def _held(desk: Desk, name: str) -> quarantine.HeldFile:
    """The held file of that name."""
    query = sa.text("SELECT landing_key, received, sha256 FROM submissions WHERE file_name = :name ORDER BY id")
    with desk.ledger.engine.connect() as connection:
        return quarantine.HeldFile(*connection.execute(query, {"name": name}).first() or ())


def _left_behind(desk: Desk, size: Size) -> None:
    """A health check was killed in the middle, there was an alert, and a centre was refused more connections, sent
    files, was told of a letter and fetched it; a file was posted to the desk's webhook."""
    desk.store.put("probes/0123456789abcdef", b"probe")
    desk.watch.unsaid("ingest_silent/2024", "ingest_silent", "The ingest is silent.", TAKEN)
    desk.door.reached({("sessions", FIRST): 1}, TAKEN)
    desk.door.move("sent", {(FIRST, int(TAKEN.timestamp()) // 3600): 1_130})
    desk.door.visited({(FIRST, "SHA256:made-up"): Visit(logged_in=TAKEN)})
    desk.door.fetched(
        [Fetched(centre=FIRST, name="feedback.txt", written=TAKEN, fingerprint="SHA256:made-up", at=TAKEN)]
    )
    desk.told.add(
        [
            Notice(
                centre=FIRST, name="feedback.txt", sha256="", written=TAKEN, kind="feedback", words="",
                seen=TAKEN,
            )
        ]
    )  # fmt: skip
    desk.told.posted(desk.told.unposted(OPENED)[0].submission, TAKEN)


def _updated(desk: Desk) -> object:
    senders = sorted(desk.results.file_senders("6B24", "15"))
    return updated(desk, senders, ASKED, _series(desk), WHO, WHY)


STAGES = (
    Stage("register of centres", "take_register", _register, lambda desk: take_register(desk, OPENED + MINUTE)),
    Stage(
        "a centre's address", "edit_centre", _nothing,
        lambda desk: edit_centre(desk, SECOND, CentreEdit(contact="office@10001.example"), OPENED + MINUTE, WHO, WHY),
    ),
    Stage("approval of a centre", "decide_approval", _nothing, _approved),
    Stage("basedata", "basedata", _nothing, lambda desk: publish_basedata(desk, _series(desk), REGISTERED)),
    Stage("ingest", "ingest", _inbox, lambda desk: ingest(desk, TAKEN)),
    Stage("ingest, nothing waits", "ingest", _nothing, lambda desk: ingest(desk, TAKEN + MINUTE)),
    Stage("ingest, several decide", "ingest", _sent_again, _ingest_by_several),
    Stage(
        "held file again", "quarantine_again", _nothing,
        lambda desk: quarantine.again(desk, _held(desk, FORECASTS), ORDER),
    ),
    Stage(
        "held file closed", "quarantine_ignore", _nothing,
        lambda desk: quarantine.ignore(desk, _held(desk, FORECASTS_TOO), ORDER),
    ),
    Stage(
        "held file released", "quarantine_release", _nothing,
        lambda desk: quarantine.release(desk, _held(desk, ENTRIES_AGAIN), ORDER),
    ),
    Stage("deadlines", "deadlines", _nothing, lambda desk: write_deadlines(desk, TAKEN)),
    Stage(
        "extension", "extension", _nothing,
        lambda desk: extend(desk, SECOND, "2024-06", "marks_deadline", SAMPLED, ORDER),
    ),
    Stage(
        "extension withdrawn", "extension_withdrawn", _nothing,
        lambda desk: withdraw_extension(desk, SECOND, "2024-06", "marks_deadline", ORDER),
    ),
    Stage("a date is asked for", "ask_date", _nothing, lambda desk: moving.ask(desk, LATER_CERTIFICATES, ORDER)),
    Stage(
        "a date is confirmed", "confirm_date", _nothing, lambda desk: moving.confirm(desk, LATER_CERTIFICATES, ORDER)
    ),
    Stage("a date is asked for again", "ask_date", _nothing, lambda desk: moving.ask(desk, SOONER_CERTIFICATES, ORDER)),
    Stage("a date is dropped", "drop_date", _nothing, lambda desk: moving.drop(desk, SOONER_CERTIFICATES, ORDER)),
    Stage("extra sitting", "extra_sitting", _nothing, _sitting),
    Stage(
        "marks are complete", "complete_marks", _nothing,
        lambda desk: complete_marks(desk, FIRST, "2024-06", COMPONENTS[0], ORDER),
    ),
    Stage("missing marks", "missing_marks", _nothing, lambda desk: missing_marks(desk, _series(desk), TAKEN)),
    Stage("checkpoint", "checkpoint", _nothing, lambda desk: checkpoint(desk, _series(desk), "window_closes", SAMPLED)),
    Stage("deadlines after a date", "deadlines", _nothing, lambda desk: write_deadlines(desk, SAMPLED)),
    Stage("statements", "statements", _nothing, lambda desk: statements(desk, _series(desk), TAKEN)),
    Stage("external marks", "external_marks", _externals, lambda desk: take_external(desk, TAKEN + MINUTE)),
    Stage("samples", "sample", _late_marks, lambda desk: sample(desk, _series(desk), SAMPLED)),
    Stage("moderators' marks", "take_moderation", _moderators, lambda desk: take(desk, MODERATED + MINUTE)),
    Stage("review", "review", _nothing, lambda desk: review(desk, REVIEWED)),
    Stage("put forward", "put_forward", _nothing, lambda desk: put_forward(desk, REVIEWED)),
    Stage(
        "approve an adjustment", "approve_adjustment", _nothing,
        lambda desk: adjust(desk, _proposed(SECOND), WHO, WHY, REVIEWED),
    ),
    Stage(
        "reject an adjustment", "reject_adjustment", _nothing,
        lambda desk: reject(desk, _proposed(THIRD), WHO, WHY, REVIEWED),
    ),
    Stage("boundaries", "take_boundaries", _boundaries, lambda desk: take_boundaries(desk, TAKEN + MINUTE)),
    Stage(
        "reject boundaries", "reject_boundaries", _nothing,
        lambda desk: reject_boundaries(desk, _series(desk), WHO, WHY, TAKEN + 2 * MINUTE),
    ),
    Stage(
        "approve boundaries", "approve_boundaries", _nothing,
        lambda desk: approve_boundaries(desk, _series(desk), WHO, WHY, AWARDED),
    ),
    Stage("withheld", "withhold", _nothing, lambda desk: withhold(desk, _cohort_withheld(), ORDER)),
    Stage(
        "no longer withheld", "end_withholding", _nothing,
        lambda desk: end_withholding(desk, _cohort_withheld(), terms.HOLD_RELEASED, ORDER),
    ),
    Stage("award", "award", _nothing, lambda desk: award(desk, _series(desk), AWARDED)),
    Stage("balance", "balance", _nothing, lambda desk: balance(desk, _newest(desk), AWARDED)),
    Stage("accept what blocks", "accept_exception", _nothing, _accepted),
    Stage("take one back", "take_back_exception", _nothing, _missing),
    Stage("preview", "preview", _nothing, lambda desk: preview(desk, _newest(desk))),
    Stage("build", "build", _all_accepted, lambda desk: build(desk, _newest(desk), AWARDED)),
    Stage("look", "look", _corrected, lambda desk: look(desk, AWARDED + 2 * MINUTE)),
    Stage("withdraw", "withdraw_results", _nothing, lambda desk: withdraw(desk, _newest(desk), WHO, WHY, APPROVED)),
    Stage("build after a withdrawal", "build", _again, lambda desk: build(desk, _newest(desk), AWARDED)),
    Stage("preview after a withdrawal", "preview", _nothing, lambda desk: preview(desk, _newest(desk))),
    Stage("approve", "approve_results", _nothing, lambda desk: approve(desk, _newest(desk), WHO, WHY, APPROVED)),
    Stage(
        "release to centres", "release", _claim_withdrawn,
        lambda desk: release(desk, _series(desk), "centres", TO_CENTRES),
    ),
    Stage(
        "release to learners", "release", _nothing, lambda desk: release(desk, _series(desk), "learners", TO_LEARNERS)
    ),
    Stage("award of what was kept back", "award", _nothing, lambda desk: award(desk, _series(desk), TO_LEARNERS)),
    Stage("build of what was kept back", "build", _weighed, lambda desk: build(desk, _newest(desk), TO_LEARNERS)),
    Stage(
        "approve what was kept back", "approve_results", _nothing,
        lambda desk: approve(desk, _newest(desk), WHO, WHY, TO_LEARNERS),
    ),
    Stage(
        "release of what was kept back", "release", _nothing,
        lambda desk: release_passed(desk, _series(desk), TO_LEARNERS + MINUTE),
    ),
    Stage("claim lists", "claim_lists", _nothing, lambda desk: claim_lists(desk, _series(desk), TO_LEARNERS)),
    Stage("certificates", "certificates", _nothing, lambda desk: certificates(desk, _series(desk), TO_LEARNERS)),
    Stage("claims by staff", "change_entry", _nothing, _claims_by_staff),
    Stage(
        "award of later claims", "award_claims", _claims_taken,
        lambda desk: award_claims(desk, _series(desk), CLAIMED + 2 * MINUTE),
    ),
    Stage("later claims", "late_claims", _pending, lambda desk: late_claims(desk, CLAIMED + 2 * MINUTE)),
    Stage("updated files", "updated_results", _nothing, _updated),
    Stage(
        "marks for issued results", "external_marks", _for_issued, lambda desk: take_external(desk, ASKED + MINUTE)
    ),
    Stage(
        "boundaries for issued results", "take_boundaries", _boundaries_for_issued,
        lambda desk: take_boundaries(desk, ASKED + MINUTE),
    ),
    Stage(
        "moderators' marks for issued results", "take_moderation", _moderators_for_issued,
        lambda desk: take(desk, ASKED + MINUTE),
    ),
    Stage("open a correction", "open_correction", _nothing, _open_case),
    Stage("propose a correction", "propose_correction", _nothing, _propose),
    Stage(
        "reject a correction", "reject_correction", _nothing,
        lambda desk: reject_case(desk, 1, WHO, WHY, ASKED + 2 * MINUTE),
    ),
    Stage("propose it again", "propose_correction", _nothing, _propose),
    Stage(
        "approve a correction", "approve_correction", _nothing,
        lambda desk: approve_case(desk, 1, WHO, WHY, ASKED + 3 * MINUTE),
    ),
    Stage(
        "approve a withholding", "approve_correction", _withholding_proposed,
        lambda desk: approve_case(desk, _last_case(desk), WHO, WHY, ASKED + 5 * MINUTE),
    ),
    Stage(
        "dispute", "dispute", _nothing,
        lambda desk: dispute(desk, Dispute(THIRD, "2024-01"), ASKED, WHO, WHY),
    ),
    Stage(
        "corrected details", "learner_details", _nothing,
        lambda desk: correct_details(desk, _learner(0), Details(name="RIGHT:NAME", born="2008-02-09"), ORDER),
    ),
    Stage("a corrected UCI", "learner_correct", _nothing, lambda desk: correct(desk, _learner(0), NEW_UCI, ORDER)),
    Stage("a correction undone", "learner_split", _nothing, lambda desk: split(desk, _learner(0), ORDER)),
    Stage("merged UCIs", "learner_merge", _nothing, lambda desk: merge(desk, _learner(0), _learner(1), ORDER)),
    Stage(
        "a transfer", "learner_transfer", _nothing,
        lambda desk: transfer(desk, _learner(1), SECOND, THIRD, "0099", ORDER),
    ),
    Stage("keeping", "keep", _left_behind, lambda desk: keep(desk, YEARS_LATER, WHO, WHY)),
)  # fmt: skip
"""From the register of centres to the end of all periods; each begins where the one before has ended."""
