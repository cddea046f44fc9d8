"""Alerts: what people are told when something is late or has failed.

Each says what happened, what it means and what to do, with the command and the page of the runbook. It contains counts,
codes and identifiers, never a name. Each thing is told once: an alert has a key, and the ledger a book of alerts.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from attrs import frozen
from sqlalchemy.exc import SQLAlchemyError

from infra.ledger.alerts import WatchBook
from infra.notify import Message, channels, send
from infra.settings import Settings
from pipeline.wording import lasting
from rules.calendar import instant_text

log = logging.getLogger(__name__)


@frozen(kw_only=True)
class AlertCode:
    """A kind of alert. Words in braces are filled in. `subject`: what and where, for the subject of an e-mail; `link`:
    the page of the console where it is dealt with, or of Airflow when it begins with `/`; `page`: the name of its page
    in the runbook."""

    name: str
    subject: str
    happened: str
    meaning: str
    to_do: str
    commands: tuple[str, ...]
    link: str
    page: str


@frozen(kw_only=True)
class Alert:
    """An alert. `key` says what it is about: alerts with the same key are told once."""

    code: str
    key: str
    subject: str
    happened: str
    meaning: str
    to_do: str
    commands: tuple[str, ...]
    link: str
    page: str

    def message(self, settings: Settings, at: datetime) -> Message:
        """The message to send, for people and for programs, with the addresses that the settings give of the console
        and of the runbook; `at` is aware, and told in Europe/London."""
        page, console = settings.alert_runbook.replace("{page}", self.page), self.address(settings.console_address)
        lines = ["WHAT HAPPENED", f"  {self.happened}", f"  Seen {instant_text(at)}.", ""]
        lines += ["WHAT IT MEANS", f"  {self.meaning}", "", "WHAT TO DO", f"  {self.to_do}"]
        lines += [*(f"    $ {command}" for command in self.commands), "", "MORE"]
        content = {
            "code": self.code, "key": self.key, "at": at.isoformat(), "subject": self.subject,
            "happened": self.happened, "meaning": self.meaning, "to_do": self.to_do, "commands": list(self.commands),
            "console": console, "runbook": page,
        }  # fmt: skip
        text = "\n".join([*lines, *([f"  {console}"] if console else []), f"  {page}", ""])
        return Message(subject=f"Resultsday: {self.subject} ({self.code})", text=text, content=content)

    def address(self, console: str) -> str:
        """The page where it is dealt with; empty where nobody has said where the console is."""
        if not console:
            return ""
        root = console.removesuffix("/resultsday")
        return f"{root}{self.link}" if self.link.startswith("/") else f"{console}/{self.link}"


RUN_FAILED = AlertCode(
    name="RUN_FAILED",
    subject="a run of {dag} has failed",
    happened="A run of {dag} has failed for good: {run} ({why}).",
    meaning="Airflow has used up all tries of a task. What the run had done before stays done; the rest waits.",
    to_do="See what else is wrong, read the run's note in Airflow, put right what it says, then clear the task.",
    commands=("resultsday health",),
    link="/dags/{dag}/runs/{run}",
    page="run-failed",
)
RESULTS_LATE = AlertCode(
    name="RESULTS_LATE",
    subject="results of {series} are not out to {audience}",
    happened="The results of {series} are not out to {audience}, {minutes} after their instant.",
    meaning="Some or all files that {audience} should have are missing. Nothing is published twice, whatever you run.",
    to_do="Publish what is approved; if that is refused, the answer says why.",
    commands=("resultsday release {series} --audience {audience}",),
    link="night?series={series}",
    page="results-not-out",
)
RESULTS_STALE = AlertCode(
    name="RESULTS_STALE",
    subject="version {version} of the results of {series} is stale",
    happened="Version {version} of the results of {series} ({state}) is stale: of {learners} learners of {centres} "
    "centres the ledger says something else now.",
    meaning="A stale version cannot be approved. If it is approved already, these centres are kept back at the "
    "release.",
    to_do="Look at what differs. Then withdraw the version, award again, and build and approve the new one.",
    commands=(
        "resultsday results look",
        'resultsday results withdraw {series} --why "..."',
        "resultsday award {series}",
        "resultsday results build {series}",
        "resultsday preview {series}",
        "resultsday approvals list",
    ),
    link="night?series={series}&only=stale",
    page="stale-results",
)
CENTRES_KEPT_BACK = AlertCode(
    name="CENTRES_KEPT_BACK",
    subject="{count} centres without results of {series}",
    happened="{count} centres have no results of {series}: {centres}.",
    meaning="The ledger said something else about some of their learners than the approved version. All others have "
    "their results.",
    to_do="Look at what differs. If the ledger is right, award, build and approve: the centres follow within minutes.",
    commands=(
        "resultsday award {series}",
        "resultsday results build {series}",
        "resultsday preview {series}",
        "resultsday approvals list",
    ),
    link="night?series={series}&only=stale",
    page="stale-results",
)
RESULTS_NOT_APPROVED = AlertCode(
    name="RESULTS_NOT_APPROVED",
    subject="results of {series} are not approved",
    happened="The results of {series} go to centres in {hours}, and they are not approved: {state}.",
    meaning="Results that nobody has approved are not published: nothing would go out on time.",
    to_do="Look at the preview; then decide under Approval in the console, or approve by its number in the list.",
    commands=("resultsday preview {series}", "resultsday approvals list"),
    link="approval?series={series}",
    page="nobody-approved",
)
AWARD_MISSING = AlertCode(
    name="AWARD_MISSING",
    subject="results of {series} are not built",
    happened="The results of {series} go to centres in {hours}, and nothing is built: {state}.",
    meaning="The award was due a week before. Without it there is nothing to look at or approve.",
    to_do="See why the DAG award waits or has failed, then award.",
    commands=("resultsday award {series}", "resultsday results build {series}"),
    link="approval?series={series}",
    page="nobody-approved",
)
RELEASED_BY_GUARD = AlertCode(
    name="RELEASED_BY_GUARD",
    subject="the guard has published {series} to {audience}",
    happened="The guard has published the results of {series} to {audience}, {seconds} seconds after their instant: "
    "{files} files.",
    meaning="The DAG results_day had not done it. What is out is what was approved, and nothing is published twice.",
    to_do="See why results_day did not run, before the next instant comes.",
    commands=("resultsday health",),
    link="night?series={series}",
    page="results-not-out",
)
GUARD_REFUSED = AlertCode(
    name="GUARD_REFUSED",
    subject="results of {series} cannot go out to {audience}",
    happened="The instant of the results of {series} to {audience} has come, and the guard cannot publish them: {why}.",
    meaning="Results are not out, or not all. The guard looks again every minute.",
    to_do="Do what the sentence above asks for. The guard then publishes; so do you, with this command.",
    commands=("resultsday health", "resultsday release {series} --audience {audience}"),
    link="night?series={series}",
    page="results-not-out",
)
GUARD_BLIND = AlertCode(
    name="GUARD_BLIND",
    subject="the guard is blind to {series} for {audience}",
    happened="The results of {series} are due to {audience}, and the guard cannot see whether they are out: {why}.",
    meaning="Nothing is published until ledger and store can be reached again; nothing is lost or published twice.",
    to_do="Mend what is named. The guard looks again every minute.",
    commands=("resultsday health",),
    link="night?series={series}",
    page="results-not-out",
)
GUARD_SILENT = AlertCode(
    name="GUARD_SILENT",
    subject="the guard is silent",
    happened="The guard has given no sign of life for {minutes}.",
    meaning="If Airflow fails on results day, nobody publishes the results in its place, and the monitor outside is "
    "not told that all is well.",
    to_do="Start the guard again: it is a part of the desk on one machine, and in production a service of its own.",
    commands=("resultsday status", "resultsday guard --once"),
    link="night",
    page="guard-silent",
)
PART_ENDED = AlertCode(
    name="PART_ENDED",
    subject="{part} has ended and is started again",
    happened="A part of the desk has ended by itself: {part} ({why}). It is started again.",
    meaning="The other parts go on, and what this one did is taken up when it is back.",
    to_do="See whether it stays up, and why it ended: its log is in the folder logs of the desk's state folder.",
    commands=("resultsday status", "resultsday health"),
    link="/",
    page="part-ended",
)
PART_GIVEN_UP = AlertCode(
    name="PART_GIVEN_UP",
    subject="{part} is given up",
    happened="A part of the desk has ended {count} times in a row and is given up: {part} ({why}).",
    meaning="The other parts go on without it until the desk is restarted.",
    to_do="Read the end of its log, mend what it says, then stop and start the desk.",
    commands=("resultsday status", "resultsday down", "resultsday up"),
    link="/",
    page="part-ended",
)
CHECKPOINT_MISSING = AlertCode(
    name="CHECKPOINT_MISSING",
    subject="no checkpoint {event} of {series}",
    happened="The checkpoint {event} of {series} was due {hours} ago and has not been taken.",
    meaning="Centres have not been told who would get no result, or that they are silent, while they can still act.",
    to_do="Take it now, as the ledger stands.",
    commands=("resultsday run checkpoint {series} {event}",),
    link="watch?series={series}",
    page="checkpoint-missing",
)
INGEST_SILENT = AlertCode(
    name="INGEST_SILENT",
    subject="no ingest succeeds",
    happened="No ingest has succeeded for {minutes}.",
    meaning="Files wait in the inbox. They count as received when they landed, so no centre misses a deadline; "
    "but no centre gets a reply.",
    to_do="See what is wrong, and take in what waits.",
    commands=("resultsday health", "resultsday ingest"),
    link="/dags/ingest",
    page="ingest-silent",
)
FILES_WAITING = AlertCode(
    name="FILES_WAITING",
    subject="{count} files wait in the inbox",
    happened="Files wait to be taken in: {count}, the oldest for {minutes}.",
    meaning="Whatever runs say, nobody takes these files in. They count as received when they landed; no centre gets a "
    "reply.",
    to_do="Take in what waits. If another run has the turn, the answer says who: see whether that process is alive.",
    commands=("resultsday ingest", "resultsday health"),
    link="/dags/ingest",
    page="ingest-silent",
)
FILES_HELD = AlertCode(
    name="FILES_HELD",
    subject="{count} files are held",
    happened="Files are held in quarantine: {count}, the oldest for {hours}.",
    meaning="Nothing in them is applied until a person decides, and their centres are waiting.",
    to_do="List them and decide on each.",
    commands=("resultsday quarantine list",),
    link="quarantine",
    page="held-or-refused",
)
SEAL_BROKEN = AlertCode(
    name="SEAL_BROKEN",
    subject="the record is not as it was sealed",
    happened="The record is not as it was sealed, in {count} places. The first: {first}.",
    meaning="Somebody or something has changed the ledger or a file past the desk. No results are released until it is "
    "put right, or people take it on.",
    to_do="See whose row it is, find out who could do that, and put it right from a backup or the archive.",
    commands=("resultsday audit", "resultsday approvals list"),
    link="approval",
    page="seal-broken",
)
APPLICATION_LATE = AlertCode(
    name="APPLICATION_LATE",
    subject="applications are late, centre {centre} first",
    happened="Fast-track applications of centres are not decided after five working days: {count}, the oldest of "
    "centre {centre} since {asked}.",
    meaning="The centre cannot register anybody for the qualification until somebody decides (REG-1).",
    to_do="List them and decide on each.",
    commands=("resultsday centre applications",),
    link="work?kind=application",
    page="application-late",
)
DISK_LOW = AlertCode(
    name="DISK_LOW",
    subject="disk nearly full on {host}: {path}",
    happened="{free} MiB are free on {host} at {path}, the disk of the {place}: less than the {limit} MiB of "
    "RESULTSDAY_FREE_DISK_BYTES.",
    meaning="When it is full nothing can be taken in, booked or published. Nothing is lost.",
    to_do="Make room on that disk, or give it more.",
    commands=("resultsday health",),
    link="/",
    page="disk-full",
)
DOOR_LIMIT = AlertCode(
    name="DOOR_LIMIT",
    subject="{who} at a limit of file transfer: {limit}",
    happened="{who} reached a limit of file transfer within a day, {times} times: {limit}.",
    meaning="The service has refused what was too much. Others are not affected, unless they reach a limit too.",
    to_do="See who it is. Ask a centre what its program does; of strangers, the log of the service has the addresses.",
    commands=("resultsday metrics",),
    link="files?every=1&centre={centre}",
    page="door-limit",
)
TURN_HELD = AlertCode(
    name="TURN_HELD",
    subject="one run holds up {job}",
    happened="One run has had the turn of {job} for {minutes}: {holder}.",
    meaning="No other run of this job does anything until it ends. A run that takes so long hangs, as a rule.",
    to_do="See whether that process does anything. If it hangs, end it: the turn is free at once, and nothing is lost.",
    commands=("resultsday health",),
    link="/dags",
    page="no-progress",
)
FILES_UNANSWERED = AlertCode(
    name="FILES_UNANSWERED",
    subject="files are taken in and not answered",
    happened="Files are taken in and not answered: {undecided} not decided, {unpublished} decided and without their "
    "reply. The oldest was received {minutes} ago.",
    meaning="Nothing is lost, and no centre misses a deadline; but these centres do not know what became of them.",
    to_do="Run the ingest by hand. If it fails, what it says is the cause.",
    commands=("resultsday ingest", "resultsday health"),
    link="files?every=1&outcome=waiting",
    page="no-progress",
)
QUEUE_WAITING = AlertCode(
    name="QUEUE_WAITING",
    subject="tasks wait in the queue {queue}",
    happened="Tasks wait in the queue {queue} for a worker: {count}, the oldest for {minutes}.",
    meaning="No worker takes them: none is up, all hang, or all are busy.",
    to_do="See whether workers answer. Restart those that do not; what they had begun is tried again.",
    commands=("resultsday health",),
    link="/",
    page="no-progress",
)
WORKERS_MISSING = AlertCode(
    name="WORKERS_MISSING",
    subject="no worker at the queue {queue}",
    happened="No worker answers at the queue {queue}.",
    meaning="Tasks of this queue wait. If it is the queue of releases, results day waits for the guard.",
    to_do="Start or restart a worker of this queue; one that hangs does not answer either.",
    commands=("resultsday health",),
    link="/",
    page="no-progress",
)
BROKER_GONE = AlertCode(
    name="BROKER_GONE",
    subject="Celery's broker does not answer",
    happened="Celery's broker does not answer ({why}).",
    meaning="No task begins. What had been queued is on the broker's disk; results are published by the guard.",
    to_do="Start the broker again. Workers find it by themselves.",
    commands=("resultsday health",),
    link="/",
    page="no-progress",
)
DAG_LATE = AlertCode(
    name="DAG_LATE",
    subject="the DAG {dag} has not come",
    happened="The DAG {dag} has not come, {minutes} after it was due: {why}.",
    meaning="What it does is not done. When it comes, it makes up for the latest instant it has missed.",
    to_do="If it is paused, unpause it. If a run holds it up, see why that does not end. Else see to the scheduler.",
    commands=("resultsday health",),
    link="/dags/{dag}",
    page="no-progress",
)
RUN_STUCK = AlertCode(
    name="RUN_STUCK",
    subject="a run of {dag} stands still",
    happened="Nothing moves in a run of {dag}: {run}, for {minutes}.",
    meaning="It holds up the next run of this DAG. No task of it is queued, waits for another try, or is alive.",
    to_do="Look at it in Airflow, and clear or end what stands still.",
    commands=("resultsday health",),
    link="/dags/{dag}/runs/{run}",
    page="no-progress",
)
TEST = AlertCode(
    name="TEST",
    subject="a test message",
    happened="This is a test message: somebody has asked for it.",
    meaning="Alerts reach you through this channel.",
    to_do="Nothing.",
    commands=("resultsday alerts list",),
    link="",
    page="alerts-silent",
)
ALERTS = {
    code.name: code
    for code in (
        RESULTS_STALE, CENTRES_KEPT_BACK, SEAL_BROKEN,
        RESULTS_LATE, RESULTS_NOT_APPROVED, AWARD_MISSING, RELEASED_BY_GUARD, GUARD_REFUSED, GUARD_BLIND, GUARD_SILENT,
        PART_ENDED, PART_GIVEN_UP,
        CHECKPOINT_MISSING, INGEST_SILENT, FILES_WAITING, FILES_HELD, APPLICATION_LATE, RUN_FAILED, DISK_LOW,
        DOOR_LIMIT, TURN_HELD, FILES_UNANSWERED, QUEUE_WAITING, WORKERS_MISSING, BROKER_GONE, DAG_LATE, RUN_STUCK, TEST,
    )
}  # fmt: skip
"""Every kind, by name."""


def alert(code: AlertCode, *about: str, **words: Any) -> Alert:
    """An alert of a kind with its words filled in; `about` tells it apart from others of its kind. Whole `minutes`
    and `hours` are told as people say them."""
    said = words | {unit: lasting(timedelta(**{unit: words[unit]})) for unit in _UNITS if unit in words}
    return Alert(
        code=code.name,
        key=":".join([code.name, *about]),
        subject=code.subject.format(**said),
        happened=code.happened.format(**said),
        meaning=code.meaning.format(**said),
        to_do=code.to_do.format(**said),
        commands=tuple(command.format(**said) for command in code.commands),
        link=code.link.format(**{name: quote(str(word), safe="") for name, word in said.items()}),
        page=code.page,
    )


_UNITS = ("minutes", "hours")


def tell(settings: Settings, book: WatchBook, found: Iterable[Alert], now: datetime) -> list[Alert]:
    """Tells people the alerts they have not been told yet, at `now` (aware), and books them. An alert that no channel
    took is told again next time; without any channel it is only booked and logged. Returns the new alerts.

    People are told even when the ledger cannot be reached."""
    fresh, silenced = [], _silenced(book, now)
    for trouble in found:
        try:
            if not book.unsaid(trouble.key, trouble.code, trouble.happened, now):
                continue
        except SQLAlchemyError as error:
            log.warning("the book of alerts cannot be used: %s", type(error).__name__)
        if trouble.code in silenced:
            continue  # on the books, and told if it still is so when the silence ends
        log.warning("%s: %s", trouble.code, trouble.happened)
        fresh.append(trouble)
        taken = send(settings, trouble.message(settings, now))
        if taken or not channels(settings):
            try:
                book.sent(trouble.key, now)
            except SQLAlchemyError as error:
                log.warning("the book of alerts cannot be used: %s", type(error).__name__)
    return fresh


def _silenced(book: WatchBook, now: datetime) -> Collection[str]:
    try:
        return book.silenced(now)
    except SQLAlchemyError as error:
        log.warning("what is silenced is not known: %s", type(error).__name__)
        return ()
