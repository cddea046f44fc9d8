"""What is kept how long, by class, and why (OPS-9): the one table that the job follows and the page is made from."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from attrs import frozen

LEARNERS_YEARS = 10
"""Years after the last thing a learner did or was given; nothing that names learners is kept for longer."""

# Who lets go of a class.
JOB = "the job `keep`"
MACHINE = "`resultsday keep`, on the machine it runs on"
AIRFLOW = "`airflow db clean`, run by `resultsday keep`"
AT_ONCE = "the desk itself, at once"
NOBODY = "nobody"


@frozen(kw_only=True)
class RecordClass:
    """A class of what the desk keeps: `where` it lies, for how many `years` or `days` (neither: for ever) `since` when,
    `then` what happens, by whom, and the reason. `personal`: it names learners. `placeholder`: nobody has published the
    period, it is ours."""

    name: str
    where: str
    years: int | None = None
    days: int | None = None
    since: str
    then: str
    by: str
    reason: str
    personal: bool = False
    placeholder: bool = True

    def before(self, now: datetime) -> datetime:
        """Whatever is older than this instant (aware) is due at `now`."""
        if self.years is None:
            assert self.days is not None, self.name
            return now - timedelta(days=self.days)
        try:
            return now.replace(year=now.year - self.years)
        except ValueError:  # 29 February
            return now.replace(year=now.year - self.years, day=28)

    @property
    def period(self) -> str:
        """The period in words."""
        if self.years is None and self.days is None:
            return "for ever"
        if self.days == 0:
            return "until then"
        number, unit = (self.years, "year") if self.years else (self.days, "day")
        return f"{number} {unit}{'s' * (number != 1)}"


_ALL = (
    # --- Files in the store ------------------------------------------------------------------------------------------
    RecordClass(
        name="waiting", where="`inbox/`, `feeds/`", days=0, since="the file was taken in", then="moved to the archive",
        by=AT_ONCE, personal=True, placeholder=False,
        reason="A file that nobody has taken in yet is never removed.",
    ),
    RecordClass(
        name="tried", where="`try/`", days=0, since="the file was answered", then="removed", by=AT_ONCE,
        personal=True, placeholder=False,
        reason="A file that is only tried was not received: nothing of it is kept but the answer in the outbox.",
    ),
    RecordClass(
        name="archive", where="`archive/`", years=7, since="it was last received", then="removed", by=JOB,
        personal=True,
        reason="Shows what a centre sent, for as long as results can be questioned. Replays need it.",
    ),
    RecordClass(
        name="outbox", where="`outbox/`", years=2, since="it was written", then="removed", by=JOB, personal=True,
        reason="A centre fetches what lies there within days. What it said is in the ledger for longer.",
    ),
    RecordClass(
        name="quarantine", where="`quarantine/`", years=1, since="it was written", then="removed", by=JOB,
        personal=True, reason="A copy, for the person who decides. The file itself is in the archive.",
    ),
    RecordClass(
        name="embargo", where="`embargo/`", years=2, since="it was written", then="removed", by=JOB,
        personal=True,
        reason="The files as they were approved: a proof of what was released. Their hashes stay in the ledger.",
    ),
    RecordClass(
        name="portal", where="`portal/`", years=7, since="it was written", then="removed", by=JOB, personal=True,
        reason="What the portal was given, for as long as results can be questioned.",
    ),
    RecordClass(
        name="reports", where="`reports/`", years=7, since="it was written", then="removed", by=JOB,
        personal=True,
        reason="What people decided by: previews, checkpoints, adjustments, lists of certificates.",
    ),
    RecordClass(
        name="basedata", where="`basedata/`", since="", then="stays", by=NOBODY, placeholder=False,
        reason="Published to everybody, and names nobody.",
    ),
    RecordClass(
        name="seals", where="`seals/`", since="", then="stays", by=NOBODY, placeholder=False,
        reason="Heads of the chain of seals: they prove what the record was, and name nobody.",
    ),
    RecordClass(
        name="probes", where="`probes/`", days=1, since="it was written", then="removed", by=JOB,
        reason="What a health check leaves that was killed in the middle of its test.",
    ),
    RecordClass(
        name="temporary", where="`.tmp/`", days=0, since="its writer died", then="removed", by=AT_ONCE, personal=True,
        placeholder=False,
        reason="Half-written files. Whoever opens the store removes those whose writer has died.",
    ),
    # --- The ledger --------------------------------------------------------------------------------------------------
    RecordClass(
        name="findings", where="`findings`", years=7, since="its file was received",
        then="the sentences and what they quote are emptied; code, rule, reach, line and columns stay", by=JOB,
        personal=True, reason="They quote names. What went wrong how often is still counted.",
    ),
    RecordClass(
        name="replies", where="`replies`", years=7, since="its file was received", then="removed", by=JOB,
        personal=True, reason="The text of what a centre was told; the outcome of the file stays.",
    ),
    RecordClass(
        name="learners", where="every table with a UCI, and the journal", years=LEARNERS_YEARS,
        since="the learner's last file, mark, award or staff action",
        then="name, date of birth, UCI, ULN and UPN are replaced; marks, grades, entries and counts stay", by=JOB,
        personal=True, reason="Certificates are asked for years later; after that nobody needs to know who it was.",
    ),
    RecordClass(
        name="alerts",
        where="`alerts`, `door_limits`, `door_bytes`, `door_visits`, `letters_fetched`, `notices`, `events_posted`",
        years=1, since="it was first seen", then="removed", by=JOB,
        reason="What went wrong in a season is compared with the season before.",
    ),
    RecordClass(
        name="record", where="every other table of the ledger", since="", then="stays", by=NOBODY,
        placeholder=False,
        reason="Marks, grades, fees, conversions, releases and who decided what are the board's own record. After ten "
        "years no learner is named in it.",
    ),
    # --- The machine and Airflow -------------------------------------------------------------------------------------
    RecordClass(
        name="logs", where="`logs/` in the state folder", days=90, since="it was last written to", then="removed",
        by=MACHINE, reason="Names nobody. What failed is looked into within days.",
    ),
    RecordClass(
        name="drafts", where="hidden files in the state folder", days=1, since="it was written", then="removed",
        by=MACHINE, reason="What a process leaves that was killed while it replaced a file of its own.",
    ),
    RecordClass(
        name="airflow-logs", where="`airflow/logs/` in the state folder", days=30, since="it was last written to",
        then="removed", by=MACHINE,
        reason="Logs of tasks: 600 runs a day. Where logs go to a bucket, set its lifecycle.",
    ),
    RecordClass(
        name="airflow-rows", where="tables of Airflow", days=30, since="the row was written", then="removed",
        by=AIRFLOW,
        reason="Runs, tasks and events: 600 runs a day. Nothing rests on them: what was done is in the ledger.",
    ),
)  # fmt: skip

KEEPING: Mapping[str, RecordClass] = {kept.name: kept for kept in _ALL}
"""Every class by its name: files, ledger, machine."""

STORE_PLACES: Mapping[str, RecordClass] = {
    f"{name}/": KEEPING[name] for name in ("archive", "embargo", "outbox", "portal", "probes", "quarantine", "reports")
}
"""The places of the store whose files the job removes, each with its class."""
