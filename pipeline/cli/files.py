"""Commands for files, without the desk: check, describe, convert and the like."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from infra.settings import SettingError
from pipeline.cli.tools import (
    AS_JSON,
    PATH,
    Day,
    main,
    print_json,
    running_settings,
    say,
    series_in,
    terminal,
    told,
    width,
)

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from parsers.layouts import FileType, Layout


@main.command()
@click.argument("paths", nargs=-1, required=True, type=PATH, metavar="PATH...")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
@click.option(
    "--received",
    type=Day(clock=True),
    help="Judge the entry window as if the files were received then (Europe/London).",
)
@click.option("--mended", "mending", is_flag=True, help="Write each file that can be mended without doubt.")
def check(paths: tuple[Path, ...], as_json: bool, received: datetime | None, mending: bool) -> None:
    """Check files before you send or load them. PATH is a file or a folder; hidden files in folders are skipped.

    Entries and amendments (E, A) are checked with the desk's own parser and rules, all other files by their format.
    What needs the ledger (registrations, earlier files) is not checked, nor the entry window unless --received is
    given. With --mended, what can be put right without doubt is, in a file of the same name in the folder `mended`
    beside it; the file itself stays as it is.

    Exit code: 0 nothing to mend, 1 warnings only, 2 wrong usage, 3 candidates or entries would be refused, 4 a file
    would be refused, 5 a file cannot be read, or a folder holds none. Of several files the highest counts.
    """
    from pipeline.files.check_run import check_all
    from rules.catalogue import LONDON, Catalogue, CatalogueError

    try:
        settings, _ = running_settings(hint=False)
        catalogue = Catalogue.load(settings.catalogue)
    except (CatalogueError, SettingError) as error:
        raise click.ClickException(str(error)) from error
    when = received.replace(tzinfo=LONDON) if received else None
    shown = None if as_json else terminal()
    now = datetime.now(UTC)
    sys.exit(check_all(paths, catalogue, when, settings.max_file_bytes, shown, now, mending=mending))


def _file(path: Path) -> bytes:
    """The bytes of a file; ends the command with a message when it cannot be read."""
    from pipeline.files.named_files import whole

    try:
        return whole(path)
    except OSError as error:
        _end(path, error)


def _end(path: Path, error: OSError) -> NoReturn:
    from parsers.findings import visible
    from pipeline.files.check import Exit
    from pipeline.files.named_files import sentence

    click.echo(f"{visible(str(path))}: {sentence(error)}", err=True)
    sys.exit(Exit.UNREADABLE)


@main.command()
@click.argument("path", type=PATH)
@click.option("--rows", type=click.IntRange(min=0), default=20, show_default=True, help="How many records to show.")
@click.option("--all", "all_rows", is_flag=True, help="Show all records.")
@click.option("--mask", is_flag=True, help="Hide names, dates of birth, sex, status and all identifiers of learners.")
@click.option("--record", "line", type=click.IntRange(min=1), help="Show the record in this line, field by field.")
def describe(path: Path, rows: int, all_rows: bool, mask: bool, line: int | None) -> None:
    """Show what a file is and what its records say.

    Exit code: 0 shown, 2 wrong usage, 4 not one of the common formats, 5 cannot be read.
    """
    from parsers.bundle import read_bundle
    from parsers.lines import lines_of
    from parsers.reader import read
    from pipeline.files.check import Exit
    from pipeline.files.describe import NoRecordError, Wish, describe_bundle, one_record
    from pipeline.files.describe import describe as described
    from pipeline.files.named_files import is_bundle_file

    data = _file(path)
    wish = Wish(rows=None if all_rows else rows, width=width(), mask=mask)
    if is_bundle_file(path.name, data):
        if line:
            raise click.UsageError("a bundle holds several files: unpack it to see a record of one of them")
        bundle = read_bundle(path.name, data)
        say(describe_bundle(bundle, wish))
        sys.exit(Exit.CLEAN if bundle.members else Exit.FILE)
    submission = read(path.name, data)
    try:
        say(one_record(submission, lines_of(data), line, wish) if line else described(submission, wish))
    except NoRecordError as error:
        raise click.UsageError(str(error)) from None
    sys.exit(Exit.CLEAN if submission.type else Exit.FILE)


@main.command()
@click.argument("source", type=PATH)
@click.argument("target", type=PATH)
@click.option(
    "--mask", is_flag=True, help="Hide personal fields, as describe does. A masked table cannot be converted back."
)
@click.option("--force", is_flag=True, help="Overwrite the target.")
def convert(source: Path, target: Path, mask: bool, force: bool) -> None:
    """Convert a common-format file to a table, or back. Tables end in .csv, .json or .parquet.

    Nothing is lost: a canonical file comes back byte for byte.

    Exit code: 0 written, 2 wrong usage, 4 the source is not a readable file or table, 5 cannot be read or written.
    """
    from pipeline.files.check import Checked, Exit, show
    from pipeline.files.convert import Refused, UsageError
    from pipeline.files.convert import convert as converted

    try:
        done = converted(source, target, mask=mask, force=force)
    except UsageError as error:
        raise click.UsageError(str(error)) from None
    except OSError as error:
        _end(Path(error.filename or source), error)
    except Refused as refused:
        say([f"{source}: {refused.why}"], err=True)
        if mask:
            # The sentences quote the file.
            say((f"{finding.reach.spoken} [{finding.code}] {finding.place}" for finding in refused.findings), err=True)
        elif refused.findings:
            show(terminal(stderr=True), Checked(str(source), refused.findings, refused.data))
        sys.exit(Exit.FILE)
    say([*done.notes, f"{target}: {done.records:,} records"], err=True)


class _RecordName(click.ParamType["Layout | FileType"]):
    """The name of a record type, or the letter of a file; completed by the shell."""

    name = "record"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        from pipeline.files.record_types import names, record_type

        known = record_type(value)
        if known is None:
            self.fail(f"there is no record type {value!r}; choose from {', '.join(names())}", param, ctx)
        return known

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        from parsers.layouts import FILE_TYPES
        from pipeline.files.record_types import names

        known = {name: title for name, (title, _) in names().items()}
        known |= {kind.letter: kind.title for kind in FILE_TYPES.values()}
        return [CompletionItem(name, help=said) for name, said in known.items() if name.startswith(incomplete.upper())]


@main.command()
@click.argument("record", type=_RecordName(), required=False)
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def layout(record: Layout | FileType | None, as_json: bool) -> None:
    """Show the columns of a record type. RECORD is a record type (E5, 1, R5, O5v12 ...) or the letter of a file (E, R
    ...); without it, all record types are listed."""
    import json

    from parsers.layouts import LAYOUTS, FileType
    from pipeline.files.record_types import as_data, overview, shown

    if isinstance(record, FileType):
        raise click.UsageError(f"a file of letter {record.letter} ({record.title}) is plain text without records")
    if as_json:
        click.echo(json.dumps(as_data(record) if record else [as_data(known) for known in LAYOUTS], indent=2))
    else:
        say(shown(record, width()) if record else overview())


@main.command()
@click.argument("series")
@click.option(
    "--to",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write the files and their bundle to this folder.",
)
@click.option(
    "--at",
    type=Day(),
    help="By the catalogue in force on this day, Europe/London; without it, today.",
)
@told
def basedata(series: str, folder: Path | None, at: datetime | None) -> None:
    """Show the basedata of a SERIES: what it holds. SERIES is year and month, for example 2024-06, or 2023-09 for
    registrations. Also shows which values nobody has published. Publishes nothing: for that, use `resultsday run
    basedata`."""
    from pipeline.season.basedata import drawn_up, note, unlike, written
    from rules.basedata import placeholders
    from rules.catalogue import LONDON, Catalogue

    catalogue = Catalogue.load(running_settings(hint=False)[0].catalogue)
    meant, when = series_in(catalogue, series), at.replace(tzinfo=LONDON) if at else datetime.now(UTC)
    made = drawn_up(catalogue, meant, when)
    say(note(made, None, placeholders(catalogue, meant, when)))
    say((f"Warning: {words}" for words in unlike(made)), err=True)
    if folder:
        files = written(made)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for name, data in files.items():
                (folder / name).write_bytes(data)
                say([f"written: {folder / name}"])
        except OSError as error:
            _end(Path(error.filename or folder), error)


@main.command()
@click.argument("values", nargs=-1, required=True, metavar="VALUE...")
@AS_JSON
def identify(values: tuple[str, ...], as_json: bool) -> None:
    """Explain identifiers. UCI, ULN, UPN, centre, candidate number, series and file name are recognised by their shape.

    Exit code: 0 all are valid, 2 wrong usage, 3 at least one is not.
    """
    from parsers.findings import visible
    from pipeline.files.identify import SHAPES
    from pipeline.files.identify import identify as identified

    explained = {value: identified(value) for value in values}
    if as_json:
        print_json(each or {"kind": None, "given": value, "valid": False} for value, each in explained.items())
    else:
        for value, each in explained.items():
            click.echo(each.text() if each else f"{visible(value)}: does not look like any of {SHAPES}")
    sys.exit(0 if all(each and each.valid for each in explained.values()) else 3)


@main.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print a shell script that completes commands. For bash: eval "$(resultsday completion bash)"."""
    from click.shell_completion import get_completion_class

    found = get_completion_class(shell)
    assert found is not None
    click.echo(found(main, {}, "resultsday", "_RESULTSDAY_COMPLETE").source())
