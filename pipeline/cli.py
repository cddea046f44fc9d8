"""The command line: `resultsday`. The only place besides the DAGs that looks at the clock."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import wraps
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NoReturn

import click
from attrs import evolve
from click.shell_completion import CompletionItem
from rich.console import Console

from infra.settings import SettingError, Settings

if TYPE_CHECKING:
    from infra.journal import Entry
    from infra.results import Awarding
    from parsers.layouts import FileType, Layout
    from pipeline.desk import Desk
    from rules.catalogue import Catalogue, Series


def _console(*, stderr: bool = False) -> Console:
    # Bold and dim are escape sequences too: who wants no colour wants none of them.
    colours: Literal["auto"] | None = None if os.environ.get("NO_COLOR") else "auto"
    return Console(soft_wrap=True, highlight=False, color_system=colours, stderr=stderr)


console = _console()

PATH = click.Path(path_type=Path)


def _told(command: Callable[..., Any]) -> Callable[..., Any]:
    """Errors of the world outside end a command with a sentence, not with a stack trace."""

    @wraps(command)
    def run(*args: Any, **options: Any) -> Any:
        from sqlalchemy.exc import SQLAlchemyError

        from infra.airflow import AirflowError
        from infra.postgres import PostgresError
        from infra.store import StoreError
        from infra.supervisor import SupervisorError
        from pipeline.award import AwardError
        from pipeline.basedata import BasedataError
        from pipeline.demo import DemoError
        from pipeline.embargo import ReleaseError
        from pipeline.staff import StaffError
        from rules.catalogue import CatalogueError

        outside = (
            AirflowError,
            AwardError,
            BasedataError,
            CatalogueError,
            DemoError,
            PostgresError,
            ReleaseError,
            SettingError,
            StaffError,
            StoreError,
            SupervisorError,
        )
        try:
            return command(*args, **options)
        except outside as error:
            raise click.ClickException(str(error)) from error
        except SQLAlchemyError as error:
            raise click.ClickException(f"the ledger cannot be used ({type(error).__name__})") from error

    return run


@click.group()
@click.version_option(package_name="resultsday")
def main() -> None:
    """The EDI desk of an awarding body."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # A terminal that cannot show a character of a name gets its number instead of nothing at all.
            stream.reconfigure(errors="backslashreplace")


# --- Files, without the desk -----------------------------------------------------------------------------------------


@main.command()
@click.argument("paths", nargs=-1, required=True, type=PATH, metavar="PATH...")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
@click.option(
    "--received",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]),
    help="Judge the entry window as if the files were received then (Europe/London).",
)
def check(paths: tuple[Path, ...], as_json: bool, received: datetime | None) -> None:
    """Check files before sending or loading them: files, or folders of files (hidden ones are passed over).

    Entries and amendments (E, A) are checked with the desk's own parser and rules, all other files by their format.
    What needs the ledger (registrations, earlier files) is not judged, nor the entry window unless --received is
    given.

    Exit code: 0 nothing to mend, 1 warnings only, 2 wrong usage, 3 candidates or entries would be refused, 4 a file
    would be refused, 5 a file cannot be read. Of several files the highest counts.
    """
    from pipeline.check_run import check_all
    from rules.catalogue import LONDON, Catalogue, CatalogueError

    try:
        settings = Settings.load()
        catalogue = Catalogue.load(settings.catalogue)
    except (CatalogueError, SettingError) as error:
        raise click.ClickException(str(error)) from error
    when = received.replace(tzinfo=LONDON) if received else None
    sys.exit(check_all(paths, catalogue, when, settings.max_file_bytes, None if as_json else console))


def _file(path: Path) -> bytes:
    """The bytes of a file; ends the command with a sentence where it cannot be read."""
    from pipeline.sources import whole

    try:
        return whole(path)
    except OSError as error:
        _end(path, error)


def _end(path: Path, error: OSError) -> NoReturn:
    from parsers.findings import visible
    from pipeline.check import Exit
    from pipeline.sources import sentence

    click.echo(f"{visible(str(path))}: {sentence(error)}", err=True)
    sys.exit(Exit.UNREADABLE)


def _print(lines: Iterable[str], *, err: bool = False) -> None:
    for line in lines:
        click.echo(line, err=err)


def _width() -> int | None:
    """How wide tables may be: as wide as the terminal. Piped, a record is a line, however long, so that it can be
    searched for."""
    return console.width if sys.stdout.isatty() else None


@main.command()
@click.argument("path", type=PATH)
@click.option("--rows", type=click.IntRange(min=0), default=20, show_default=True, help="Show so many records.")
@click.option("--all", "all_rows", is_flag=True, help="Show all records.")
@click.option("--mask", is_flag=True, help="Hide names, dates of birth, sex, status and all identifiers of learners.")
@click.option("--record", "line", type=click.IntRange(min=1), help="Show the record in this line, field by field.")
def describe(path: Path, rows: int, all_rows: bool, mask: bool, line: int | None) -> None:
    """Show what a file is and what its records say.

    Exit code: 0 shown, 2 wrong usage, 4 not one of the common formats, 5 cannot be read.
    """
    from parsers.bundle import read_bundle
    from parsers.reader import read
    from pipeline.check import Exit
    from pipeline.describe import NoRecordError, Wish, describe_bundle, one_record
    from pipeline.describe import describe as described
    from pipeline.sources import is_bundle_file, lines_of

    data = _file(path)
    wish = Wish(rows=None if all_rows else rows, width=_width(), mask=mask)
    if is_bundle_file(path.name, data):
        if line:
            raise click.UsageError("a bundle holds several files: unpack it to see one record of one of them")
        bundle = read_bundle(path.name, data)
        _print(describe_bundle(bundle, wish))
        sys.exit(Exit.CLEAN if bundle.members else Exit.FILE)
    submission = read(path.name, data)
    try:
        _print(one_record(submission, lines_of(data), line, wish) if line else described(submission, wish))
    except NoRecordError as error:
        raise click.UsageError(str(error)) from None
    sys.exit(Exit.CLEAN if submission.type else Exit.FILE)


@main.command()
@click.argument("source", type=PATH)
@click.argument("target", type=PATH)
@click.option("--mask", is_flag=True, help="Hide personal fields, as describe does. There is no way back then.")
@click.option("--force", is_flag=True, help="Overwrite the target.")
def convert(source: Path, target: Path, mask: bool, force: bool) -> None:
    """Write a common-format file as a table (.csv, .json or .parquet), or a table as a common-format file.

    Nothing is lost on the way: a canonical file comes back to the byte.

    Exit code: 0 written, 2 wrong usage, 4 the source is not a readable file or table, 5 cannot be read or written.
    """
    from pipeline.check import Checked, Exit, show
    from pipeline.convert import Refused, UsageError
    from pipeline.convert import convert as converted

    try:
        done = converted(source, target, mask=mask, force=force)
    except UsageError as error:
        raise click.UsageError(str(error)) from None
    except OSError as error:
        _end(Path(error.filename or source), error)
    except Refused as refused:
        click.echo(f"{source}: {refused.why}", err=True)
        if mask:
            # The sentences repeat what stands in the file.
            _print((f"{one.reach.spoken} [{one.code}] {one.place}" for one in refused.findings), err=True)
        elif refused.findings:
            show(_console(stderr=True), Checked(str(source), refused.findings, refused.data))
        sys.exit(Exit.FILE)
    for note in done.notes:
        click.echo(note, err=True)
    click.echo(f"{target}: {done.records:,} records", err=True)


class _RecordName(click.ParamType["Layout | FileType"]):
    """The name of a record type, or the letter of a file; completed by the shell."""

    name = "record"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        from pipeline.record_types import names, record_type

        known = record_type(value)
        if known is None:
            self.fail(f"there is no record type {value!r}; there are {', '.join(names())}", param, ctx)
        return known

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from parsers.layouts import FILE_TYPES
        from pipeline.record_types import names

        known = {name: title for name, (title, _) in names().items()}
        known |= {one.letter: one.title for one in FILE_TYPES.values()}
        return [CompletionItem(name, help=said) for name, said in known.items() if name.startswith(incomplete.upper())]


@main.command()
@click.argument("record", type=_RecordName(), required=False)
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def layout(record: Layout | FileType | None, as_json: bool) -> None:
    """Show the columns of a record type (E5, 1, R5, O5v12 ...) or of a file's records (E, R ...); without RECORD, the
    list of them."""
    import json

    from parsers.layouts import LAYOUTS, FileType
    from pipeline.record_types import as_data, overview, shown

    if isinstance(record, FileType):
        raise click.UsageError(f"a file of letter {record.letter} ({record.title}) is plain text without records")
    if as_json:
        click.echo(json.dumps(as_data(record) if record else [as_data(one) for one in LAYOUTS], indent=2))
    else:
        _print(shown(record, _width()) if record else overview())


@main.command()
@click.argument("series")
@click.option(
    "--to", "folder", type=click.Path(path_type=Path, file_okay=False), help="Write the files and their bundle there."
)
@click.option(
    "--at",
    type=click.DateTime(["%Y-%m-%d"]),
    help="As the catalogue has it on that day, Europe/London; without it, today.",
)
@_told
def basedata(series: str, folder: Path | None, at: datetime | None) -> None:
    """The basedata of a SERIES (year and month, for example 2024-06; 2023-09 for registrations): what its files hold,
    and what of it nobody published. Publishes nothing; that is `resultsday run basedata`."""
    from pipeline.basedata import drawn_up, note, written
    from rules.basedata import placeholders
    from rules.catalogue import LONDON, Catalogue

    catalogue = Catalogue.load(Settings.load().catalogue)
    meant, when = _series_in(catalogue, series), at.replace(tzinfo=LONDON) if at else datetime.now(UTC)
    made = drawn_up(catalogue, meant, when)
    _print(note(made, None, placeholders(catalogue, meant, when)))
    if folder:
        files = written(made)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for name, data in files.items():
                (folder / name).write_bytes(data)
                click.echo(f"written: {folder / name}")
        except OSError as error:
            _end(Path(error.filename or folder), error)


@main.command()
@click.argument("values", nargs=-1, required=True, metavar="VALUE...")
def identify(values: tuple[str, ...]) -> None:
    """Explain identifiers: UCI, ULN, UPN, centre, candidate number, series or file name, told by their shape.

    Exit code: 0 all are valid, 2 wrong usage, 3 one is not.
    """
    from parsers.findings import visible
    from pipeline.identify import SHAPES
    from pipeline.identify import identify as identified

    valid = True
    for value in values:
        explained = identified(value)
        valid &= explained is not None and explained.valid
        click.echo(explained.text() if explained else f"{visible(value)}: looks like none of {SHAPES}")
    sys.exit(0 if valid else 3)


@main.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print a script that completes commands and their arguments; for bash: eval "$(resultsday completion bash)"."""
    from click.shell_completion import get_completion_class

    found = get_completion_class(shell)
    assert found is not None
    click.echo(found(main, {}, "resultsday", "_RESULTSDAY_COMPLETE").source())


# --- The desk --------------------------------------------------------------------------------------------------------


@main.command()
@_told
def demo() -> None:
    """Play an exam season of made-up centres, and the eight sample files, through the real Airflow."""
    from pipeline.demo import demo as run

    run(Settings.load(), console, lambda: datetime.now(UTC))


@main.command()
@_told
def up() -> None:
    """Start the desk (PostgreSQL, Airflow) and leave it running."""
    from infra.supervisor import up as start

    settings = Settings.load()
    desk = start(settings, click.echo)
    click.echo(f"\nAirflow:   {desk.ui_url}\nlogin:     {desk.username}\npassword:  {desk.password}")
    click.echo(f"inbox:     {settings.store_location}/inbox/<centre>/\nend it:    make down")


@main.command()
@_told
def down() -> None:
    """End the desk that `up` started, and nothing else."""
    from infra.supervisor import down as stop

    stop(Settings.load(), click.echo)


@main.command()
@_told
def status() -> None:
    """Say whether the desk is up; exit code 1 when it is not."""
    from infra.supervisor import status as look

    desk = look(Settings.load())
    if desk is None:
        click.echo("The desk is down.")
        sys.exit(1)
    click.echo(f"The desk is up since {desk.started:%Y-%m-%d %H:%M} UTC: {desk.ui_url}")


@main.command()
@_told
def ingest() -> None:
    """Take in everything that waits, once, without Airflow (on the database of a running desk or of
    RESULTSDAY_DATABASE_URL)."""
    from pipeline.ingest import ingest as run

    with _open_desk() as desk:
        click.echo(run(desk, datetime.now(UTC)).note())


@contextmanager
def _open_desk() -> Iterator[Desk]:
    """The desk on the database of a running one, or of the settings."""
    from infra.supervisor import status as look
    from pipeline.desk import open_desk

    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    settings = Settings.load()
    running = look(settings)
    if running:
        settings = evolve(settings, database_url=running.database_url)
    if not settings.database_url:
        raise click.ClickException("no ledger: start the desk with `resultsday up` or set RESULTSDAY_DATABASE_URL")
    with open_desk(settings) as desk:
        yield desk


@main.group()
def staff() -> None:
    """What customer services do by hand; each is recorded with who, when and why (OPS-3)."""


def _ordered(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--why", required=True, help="The reason, for the record."),
        click.option("--who", required=True, help="Who does it, for the record."),
        click.option("--centre", required=True, help="Centre number."),
    ):
        command = option(command)
    return command


@staff.command()
@_ordered
@click.option("--series", required=True, help="Year and month, for example 2024-06.")
@click.option("--event", required=True, help="The milestone, for example window_closes or marks_deadline.")
@click.option(
    "--until", required=True, type=click.DateTime(["%Y-%m-%d"]), help="The last day, Europe/London; all of it counts."
)
@_told
def extension(centre: str, series: str, event: str, until: datetime, who: str, why: str) -> None:
    """Extend a deadline of a series for one centre (CAL-3)."""
    from pipeline.staff import Order, extend
    from rules.catalogue import LONDON

    day = until + timedelta(days=1)
    with _open_desk() as desk:
        order = Order(who, why, datetime.now(UTC))
        click.echo(extend(desk, centre, series, event, day.replace(tzinfo=LONDON), order))


@staff.command()
@_ordered
@click.option("--uci", required=True, help="The learner.")
@click.option("--component", required=True, help="Component code.")
@click.option("--number", default=1, show_default=True, help="Further sittings.")
@_told
def sitting(centre: str, uci: str, component: str, number: int, who: str, why: str) -> None:
    """Grant a learner further sittings of a component (ENT-3, ENT-4)."""
    from pipeline.staff import Order, allow_sitting

    with _open_desk() as desk:
        click.echo(allow_sitting(desk, centre, uci, component, number, Order(who, why, datetime.now(UTC))))


def _entry_command(action: Literal["entry", "claim", "withdrawal"], help_text: str) -> None:
    @staff.command(action, help=help_text)
    @_ordered
    @click.option("--series", required=True, help="Year and month, for example 2024-06.")
    @click.option("--candidate", required=True, help="Candidate number in that series.")
    @click.option("--uci", required=True, help="The learner.")
    @click.option("--option", "code", required=True, help="Component or cash-in code.")
    @_told
    def run(
        centre: str, series: str, candidate: str, uci: str, code: str, who: str, why: str, certificate: bool = False
    ) -> None:
        from pipeline.staff import Entry, Order, change_entry

        with _open_desk() as desk:
            entry = Entry(centre, series, candidate, uci, code)
            key = change_entry(desk, action, entry, Order(who, why, datetime.now(UTC)), certificate)
        click.echo(f"Waits for the next ingest as {key}; its reply will lie in the centre's outbox.")

    if action == "claim":
        asked = "--certificate", "The centre asks for the certificate: after the late window there is none otherwise."
        click.option(asked[0], is_flag=True, help=asked[1])(run)


_entry_command("entry", "Enter a learner for a component when the centre may not any more (ENT-2).")
_entry_command("claim", "Claim an award for a learner (CRT-1).")
_entry_command("withdrawal", "Withdraw an entry or a claim of a learner.")


def _decision_command(name: Literal["approve", "reject"], help_text: str, done: str) -> None:
    @staff.command(name, help=help_text)
    @click.argument("cohort", type=int)
    @click.option("--who", required=True, help="Who decides, for the record.")
    @click.option("--why", required=True, help="The reason, for the record.")
    @_told
    def run(cohort: int, who: str, why: str) -> None:
        from pipeline.moderation import approve, reject

        decide = approve if name == "approve" else reject
        with _open_desk() as desk:
            try:
                fresh = decide(desk, cohort, who, why, datetime.now(UTC))
            except ValueError as error:  # nothing to decide, or without who and why
                raise click.ClickException(str(error)) from error
        click.echo(f"Cohort {cohort}: {done}." if fresh else f"Cohort {cohort}: that has been decided already.")


_decision_command(
    "approve",
    "Apply the adjustment proposed for the marks of a COHORT, by its number (MOD-2).",
    "the adjustment is applied",
)
_decision_command(
    "reject",
    "Let the centre's marks of a COHORT stand, by its number (MOD-2).",
    "the adjustment is rejected, the centre's marks stand",
)


# --- Outcomes --------------------------------------------------------------------------------------------------------


@main.command()
@click.option("--centre", required=True, help="Centre number.")
@click.option("--candidate", required=True, help="Candidate number.")
@click.option("--qualification", help="Its subject or any of its codes; without it, all of them.")
@click.option("--series", help="Year and month in which the number was used; without it, the latest.")
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), help="Write a page to this file instead.")
@_told
def explain(centre: str, candidate: str, qualification: str | None, series: str | None, html: Path | None) -> None:
    """How an outcome came about: from file and line to grade, every version and choice with its rule (RES-5)."""
    from pipeline.explain import Unexplained, as_page, text
    from pipeline.explain import explain as explained

    with _open_desk() as desk:
        try:
            found = explained(desk, centre, candidate, qualification, series)
        except Unexplained as error:
            raise click.ClickException(str(error)) from error
    if html:
        html.write_bytes(as_page(found, datetime.now(UTC)))
        click.echo(f"written: {html}")
    else:
        _print(text(found))


# --- The award -------------------------------------------------------------------------------------------------------


@main.group()
def boundaries() -> None:
    """Boundaries and the conversion tables made from them (AWD-1)."""


@boundaries.command("take")
@_told
def boundaries_take() -> None:
    """Take the boundaries that wait in feeds/boundaries/ and propose conversion tables."""
    from pipeline.award import take_boundaries

    with _open_desk() as desk:
        click.echo(take_boundaries(desk, datetime.now(UTC)).note())


@boundaries.command("approve")
@click.argument("series")
@click.option("--who", required=True, help="Who approves, for the record.")
@click.option("--why", required=True, help="The reason, for the record.")
@_told
def boundaries_approve(series: str, who: str, why: str) -> None:
    """Approve the newest conversion table of every component of a SERIES."""
    from pipeline.award import approve_boundaries

    with _open_desk() as desk:
        count = approve_boundaries(desk, _series_of(desk, series), who, why, datetime.now(UTC))
    click.echo(f"{count} conversion tables approved.")


@main.command()
@click.argument("series")
@_told
def award(series: str) -> None:
    """Award a SERIES as the ledger stands and freeze the results as its next version."""
    from pipeline.award import award as run

    with _open_desk() as desk:
        click.echo(run(desk, _series_of(desk, series), datetime.now(UTC)).note())


@main.command()
@click.argument("series")
@_told
def preview(series: str) -> None:
    """Write the page from which the newest results of a SERIES are approved, and its tables."""
    from pipeline.preview import preview as write

    with _open_desk() as desk:
        awarding = desk.results.newest(_series_of(desk, series).id)
        if awarding is None:
            raise click.ClickException(f"{series} has not been awarded: `resultsday award {series}`")
        _print(write(desk, awarding))


@main.command("what-if")
@click.argument("series")
@click.argument("moves", nargs=-1, required=True, metavar="COMPONENT GRADE=MARK...")
@click.option("--page", type=click.Path(path_type=Path, dir_okay=False), help="Write a page to this file too.")
@_told
def what_if(series: str, moves: tuple[str, ...], page: Path | None) -> None:
    """What moved boundaries would do to a SERIES: `what-if 2024-06 BEN03 L2P=31 L1D=25 BEN01 L2D=50`.

    Nothing is recorded.
    """
    from pipeline.what_if import moves_of
    from pipeline.what_if import what_if as run

    with _open_desk() as desk:
        found = run(desk, _series_of(desk, series), moves_of(moves), datetime.now(UTC))
    _print(found.lines())
    if page:
        page.write_bytes(found.page())
        click.echo(f"written: {page}")


# --- Results day and after -------------------------------------------------------------------------------------------


@main.group()
def results() -> None:
    """The results of a series under embargo: built, approved or withdrawn (RES-2)."""


def _newest_results(desk: Desk, series: str) -> Awarding:
    awarding = desk.results.newest(_series_of(desk, series).id)
    if awarding is None:
        raise click.ClickException(f"{series} has not been awarded: `resultsday award {series}`")
    return awarding


@results.command("build")
@click.argument("series")
@_told
def results_build(series: str) -> None:
    """Write every file of the newest results of a SERIES, hashed, where no centre can read it."""
    from pipeline.release import build

    with _open_desk() as desk:
        click.echo(build(desk, _newest_results(desk, series), datetime.now(UTC)).note())


def _results_command(name: Literal["approve", "withdraw"], help_text: str) -> None:
    @results.command(name, help=help_text)
    @click.argument("series")
    @click.option("--who", required=True, help="Who decides, for the record.")
    @click.option("--why", required=True, help="The reason, for the record.")
    @_told
    def run(series: str, who: str, why: str) -> None:
        from pipeline.release import approve, withdraw

        decide = approve if name == "approve" else withdraw
        with _open_desk() as desk:
            decided = decide(desk, _newest_results(desk, series), who, why, datetime.now(UTC))
        click.echo(f"Results {series} version {decided.version}: {decided.state}.")


_results_command("approve", "Approve the newest results of a SERIES; the calendar releases them (RES-2).")
_results_command("withdraw", "Stop the newest results of a SERIES, as long as nothing of them is published (RES-2).")


@main.command()
@click.argument("series")
@click.option("--audience", type=click.Choice(["centres", "learners"]), required=True, help="To whom.")
@_told
def release(series: str, audience: Literal["centres", "learners"]) -> None:
    """Publish the approved results of a SERIES, if their instant has come (RES-2)."""
    from pipeline.release import release as run

    with _open_desk() as desk:
        click.echo(run(desk, _series_of(desk, series), audience, datetime.now(UTC)).note())


@main.command("updated-results")
@click.argument("series")
@click.argument("centres", nargs=-1, required=True, metavar="CENTRE...")
@click.option("--who", required=True, help="Who asks for it, for the record.")
@click.option("--why", required=True, help="The reason, for the record.")
@_told
def updated_results(series: str, centres: tuple[str, ...], who: str, why: str) -> None:
    """Restate the results file of centres of which something has changed since the last one (RES-3)."""
    from pipeline.after_results import updated

    with _open_desk() as desk:
        done = updated(desk, centres, datetime.now(UTC), _series_of(desk, series), who, why)
    click.echo(done.note())
    _print(done.files)


@main.command("late-claims")
@_told
def late_claims() -> None:
    """Award claims that came after results day, and publish them in the portal (CRT-6)."""
    from pipeline.after_results import late_claims as run

    with _open_desk() as desk:
        late = run(desk, datetime.now(UTC))
    click.echo(late.note())
    sys.exit(1 if late.errors else 0)


@main.command()
@click.argument("series")
@_told
def certificates(series: str) -> None:
    """List the certificates of a SERIES that are due (CRT-7)."""
    from pipeline.certificates import certificates as run

    with _open_desk() as desk:
        count = run(desk, _series_of(desk, series), datetime.now(UTC))
    click.echo(f"{count:,} certificates are due: reports/certificates/{series}.html")


@main.command()
@click.option("--keep", type=click.Path(path_type=Path, file_okay=False), help="Keep the outputs in this empty folder.")
@_told
def replay(keep: Path | None) -> None:
    """Run everything on record once more, from the archive into an empty ledger, and compare every output byte for byte
    (RES-6). Exit code 3 when something is not the same."""
    import tempfile

    from pipeline.replay import empty_desk
    from pipeline.replay import replay as run_again

    def told(number: int, of: int, one: Entry) -> None:
        click.echo(f"{number}/{of} {one.at:%Y-%m-%d %H:%M} {one.job}", err=True)

    with (
        _open_desk() as desk,
        tempfile.TemporaryDirectory() as folder,
        empty_desk(desk.settings, keep or Path(folder) / "store", f"replay_{os.getpid()}") as empty,
    ):
        came = run_again(desk, empty, told)
    _print(came.lines())
    sys.exit(3 if came.differences else 0)


# --- The calendar ----------------------------------------------------------------------------------------------------


@main.group()
def run() -> None:
    """The jobs of the calendar, by hand and without Airflow."""


def _series_of(desk: Desk, series: str) -> Series:
    return _series_in(desk.catalogue, series)


def _series_in(catalogue: Catalogue, series: str) -> Series:
    meant = catalogue.series_by_id(series)
    if meant is None:
        raise click.ClickException(f"there is no calendar for {series}; write year and month, for example 2024-06")
    return meant


@run.command()
@click.argument("series")
@_told
def statements(series: str) -> None:
    """Statements of entries and invoices of a SERIES into the outboxes of its centres (FEE-5)."""
    from pipeline.statements import statements as write

    with _open_desk() as desk:
        count = write(desk, _series_of(desk, series), datetime.now(UTC))
    click.echo(f"{count} centres: outbox/<centre>/statement-{series} and invoice-{series}, each .csv and .html")


@run.command()
@click.argument("series")
@click.argument("event", type=click.Choice(["on_time_deadline", "window_closes", "marks_deadline", "award"]))
@_told
def checkpoint(series: str, event: str) -> None:
    """Who would get no result in a SERIES and who has sent nothing, as the ledger stands (OPS-1, OPS-2)."""
    from pipeline.checkpoints import checkpoint as take

    with _open_desk() as desk:
        click.echo(take(desk, _series_of(desk, series), event, datetime.now(UTC)).note())
    click.echo(f"reports/checkpoints/{series}-{event}.html, letters in outbox/<centre>/")


@run.command("basedata")
@click.argument("series")
@_told
def run_basedata(series: str) -> None:
    """Publish the basedata of a SERIES, unless what is published says the same (CAL-2, CAL-4)."""
    from pipeline.basedata import publish_basedata

    with _open_desk() as desk:
        click.echo(publish_basedata(desk, _series_of(desk, series), datetime.now(UTC)).note())
    click.echo(f"basedata/{series}/<sequence number>/")


@run.command("missing-marks")
@click.argument("series")
@_told
def missing_marks(series: str) -> None:
    """Chase the marks that are missing in a SERIES: lists by name to the centres (MRK-3)."""
    from pipeline.marks import missing_marks as chase

    with _open_desk() as desk:
        click.echo(f"{chase(desk, _series_of(desk, series), datetime.now(UTC))} marks are missing.")
    click.echo(f"reports/marks/missing-{series}-<day>.html, lists in outbox/<centre>/missing-marks-{series}-<day>.txt")


@run.command("external-marks")
@_told
def external_marks() -> None:
    """Take the board's own marks that wait in feeds/external-marks/ (MRK-1)."""
    from pipeline.marks import take_external

    with _open_desk() as desk:
        click.echo(take_external(desk, datetime.now(UTC)).note())
    click.echo("reports/marks/<name>.txt")


@run.command()
@click.argument("series")
@_told
def moderation(series: str) -> None:
    """Draw the samples of a SERIES that are due, take the moderators' marks, propose adjustments (MOD-1, MOD-2)."""
    from pipeline.moderation import review, sample, take

    now = datetime.now(UTC)
    with _open_desk() as desk:
        for step in (sample(desk, _series_of(desk, series), now), take(desk, now), review(desk, now)):
            click.echo(step.note())
    click.echo("reports/moderation/, samples and feedback in outbox/<centre>/")


@main.command()
@click.argument("series", required=False)
@_told
def calendar(series: str | None) -> None:
    """The dates of a SERIES (year and month, for example 2024-06) and how long until then.

    Without SERIES: of every exam series that has a date to come, or else of the last. Dates that nobody published are
    marked.
    """
    from pipeline.dates import countdown, series_to_show
    from rules.catalogue import Catalogue

    catalogue, now = Catalogue.load(Settings.load().catalogue), datetime.now(UTC)
    shown = series_to_show(catalogue, now) if series is None else (_series_in(catalogue, series),)
    for one in shown:
        for line in countdown(catalogue, one, now):
            click.echo(line)


@main.command()
@click.option("--check", "only_check", is_flag=True, help="Change nothing; exit code 1 when a page is out of date.")
@_told
def docs(only_check: bool) -> None:
    """Rewrite the pages of docs/ that are generated from the code."""
    from pipeline.pages import stale, write

    pages = stale() if only_check else write()
    for page in pages:
        click.echo(f"{'out of date' if only_check else 'written'}: {page}")
    sys.exit(1 if only_check and pages else 0)


if __name__ == "__main__":
    main()
