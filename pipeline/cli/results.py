"""Commands from boundaries to results and after: award, release, explain, replay."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.cli.approvals import ordered, system_account
from pipeline.cli.tools import AS_JSON, WHY, main, open_the_desk, print_json, say, series_of, told
from pipeline.jobs import JOBS

if TYPE_CHECKING:
    from infra.ledger.journal import Entry
    from infra.ledger.results import Awarding
    from pipeline.desk import Desk
    from rules import terms


# --- Outcomes --------------------------------------------------------------------------------------------------------


@main.command()
@click.option("--centre", required=True, help="Centre number.")
@click.option("--candidate", required=True, help="Candidate number.")
@click.option("--qualification", help="Subject or any code of the qualification; without it, all qualifications.")
@click.option("--series", help="Year and month in which the number was used; without it, the latest.")
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), help="Write a page to this file instead.")
@told
def explain(centre: str, candidate: str, qualification: str | None, series: str | None, html: Path | None) -> None:
    """Explain how an outcome came about (RES-5). From file and line to grade, every version and choice with its
    rule."""
    from pipeline.results.explain import Unexplained, as_page, text
    from pipeline.results.explain import explain as explained

    with open_the_desk() as desk:
        try:
            found = explained(desk, centre, candidate, qualification, series)
        except Unexplained as error:
            raise click.ClickException(str(error)) from error
    if html:
        html.write_bytes(as_page(found, datetime.now(UTC)))
        click.echo(f"written: {html}")
    else:
        say(text(found))


@main.command()
@click.argument("series", required=False, default="")
@click.option("--csv", "path", type=click.Path(path_type=Path, dir_okay=False), help="Write the rows to this file.")
@AS_JSON
@told
def owed(series: str, path: Path | None, as_json: bool) -> None:
    """List who has no result although results are out (RES-8): reason, since when, whose turn it is, which letter.

    Without SERIES (year and month, for example 2024-06): of every series whose results are out.
    """
    from pipeline.report_page import csv_bytes
    from pipeline.results.owed import lines_of
    from pipeline.results.owed import owed as list_all

    with open_the_desk() as desk:
        if series:
            series_of(desk, series)
        rows = list_all(desk, datetime.now(UTC), series)
    if path:
        path.write_bytes(csv_bytes(rows))
        click.echo(f"written: {path}, {rows.height:,} rows")
    elif as_json:
        print_json(rows.to_dicts())
    else:
        say(lines_of(rows))


# --- The award -------------------------------------------------------------------------------------------------------


@main.group()
def boundaries() -> None:
    """Take in boundaries (AWD-1)."""


@boundaries.command("take")
@told
def boundaries_take() -> None:
    """Take in the boundaries that wait in feeds/boundaries/ and propose conversion tables."""
    from pipeline.awarding.award import take_boundaries

    with open_the_desk() as desk:
        click.echo(take_boundaries(desk, datetime.now(UTC)).note())


@main.command()
@click.argument("series")
@told
def award(series: str) -> None:
    """Award a SERIES and freeze the results. They become its next version."""
    from pipeline.awarding.award import award as run

    with open_the_desk() as desk:
        click.echo(run(desk, series_of(desk, series), datetime.now(UTC)).note())


@main.command()
@click.argument("series")
@told
def preview(series: str) -> None:
    """Write the pages for approving the results of a SERIES."""
    from pipeline.awarding.preview import preview as write

    with open_the_desk() as desk:
        awarding = desk.results.newest(series_of(desk, series).id)
        if awarding is None:
            raise click.ClickException(f"{series} has not been awarded: run `resultsday award {series}` first")
        say(write(desk, awarding))


@main.command("what-if")
@click.argument("series")
@click.argument("moves", nargs=-1, required=True, metavar="COMPONENT GRADE=MARK...")
@click.option("--page", type=click.Path(path_type=Path, dir_okay=False), help="Also write a page to this file.")
@told
def what_if(series: str, moves: tuple[str, ...], page: Path | None) -> None:
    """Show what moved boundaries would do to a SERIES.

    Example: `what-if 2024-06 BEN03 L2P=31 L1D=25 BEN01 L2D=50`. Nothing is recorded.
    """
    from pipeline.awarding.what_if import moves_of
    from pipeline.awarding.what_if import what_if as run

    with open_the_desk() as desk:
        found = run(desk, series_of(desk, series), moves_of(moves), datetime.now(UTC))
    say(found.lines())
    if page:
        page.write_bytes(found.page())
        click.echo(f"written: {page}")


# --- Results day and after -------------------------------------------------------------------------------------------


@main.group()
def results() -> None:
    """Build or withdraw results under embargo (RES-2)."""


def _newest_results(desk: Desk, series: str) -> Awarding:
    awarding = desk.results.newest(series_of(desk, series).id)
    if awarding is None:
        raise click.ClickException(f"{series} has not been awarded: run `resultsday award {series}` first")
    return awarding


@results.command("build")
@click.argument("series")
@told
def results_build(series: str) -> None:
    """Write and hash every file of the newest results of a SERIES, where no centre can read them."""
    from pipeline.results.release import build

    with open_the_desk() as desk:
        click.echo(build(desk, _newest_results(desk, series), datetime.now(UTC)).note())


@results.command("withdraw")
@click.argument("series")
@WHY
@told
def results_withdraw(series: str, why: str) -> None:
    """Withdraw the newest results of a SERIES, approved or not, as long as none are published (RES-2)."""
    from pipeline.approvals import Signature
    from pipeline.results.release import withdraw

    person = system_account()
    with open_the_desk() as desk:
        newest, by = _newest_results(desk, series), Signature(how=person.how)
        decided = withdraw(desk, newest, person.who, why, datetime.now(UTC), by)
    click.echo(f"Results {series} version {decided.version}: {decided.state}.")


@results.command("look")
@told
def results_look() -> None:
    """Compare the results that wait with the ledger (AWD-5). Lists the learners of whom they differ."""
    from pipeline.awarding.drift import DRIFT_REPORTS, look

    with open_the_desk() as desk:
        looked = look(desk, datetime.now(UTC))
    click.echo(looked.note())
    if looked.stale:
        click.echo(f"They are listed in {DRIFT_REPORTS}<series>/<version>.csv")


@main.command()
@click.argument("series")
@click.option("--audience", type=click.Choice(["centres", "learners"]), required=True, help="To whom.")
@told
def release(series: str, audience: terms.Audience) -> None:
    """Publish the approved results of a SERIES (RES-2). Refused until their instant has come."""
    from pipeline.results.release import release as run
    from pipeline.results.result_approval import do_as_decided

    with open_the_desk() as desk:
        found = series_of(desk, series)
        do_as_decided(desk, found)
        click.echo(run(desk, found, audience, datetime.now(UTC)).note())


@main.command("updated-results")
@click.argument("series")
@click.argument("centres", nargs=-1, required=True, metavar="CENTRE...")
@WHY
@told
def updated_results(series: str, centres: tuple[str, ...], why: str) -> None:
    """Write updated results files for CENTREs (RES-3). Only for those with changes since the last file."""
    from pipeline.results.after_results import updated

    order = ordered(why)
    with open_the_desk() as desk:
        done = updated(desk, centres, order.at, series_of(desk, series), order.who, why, order.how)
    click.echo(done.note())
    say(done.files)


@main.command("late-claims")
@told
def late_claims() -> None:
    """Award claims that arrived after results day (CRT-6). Publishes the awards in the portal."""
    from pipeline.results.after_results import late_claims as run

    with open_the_desk() as desk:
        late = run(desk, datetime.now(UTC))
    click.echo(late.note())
    sys.exit(1 if late.errors else 0)


@main.command()
@click.argument("series")
@told
def certificates(series: str) -> None:
    """List the certificates of a SERIES that are due (CRT-7)."""
    from pipeline.results.certificates import certificates as run

    with open_the_desk() as desk:
        count = run(desk, series_of(desk, series), datetime.now(UTC))
    click.echo(f"{count:,} certificates are due: reports/certificates/{series}.html")


@main.command()
@click.option("--keep", type=click.Path(path_type=Path, file_okay=False), help="Keep the outputs in this empty folder.")
@told
def replay(keep: Path | None) -> None:
    """Run everything on record again and compare it (RES-6).

    It starts from the archive and an empty ledger, and compares every output byte for byte, and every row of the
    ledger. Exit code 3 when anything differs.
    """
    import tempfile

    from pipeline.replay import empty_desk
    from pipeline.replay import replay as run_again

    def told(number: int, of: int, entry: Entry) -> None:
        click.echo(f"{number}/{of} {entry.at:%Y-%m-%d %H:%M} {entry.job}", err=True)

    with (
        open_the_desk() as desk,
        tempfile.TemporaryDirectory() as folder,
        empty_desk(desk.settings, keep or Path(folder) / "store", f"replay_{os.getpid()}") as empty,
    ):
        came = run_again(desk, empty, told)
    say(came.lines())
    sys.exit(3 if came.differences or came.rows.first else 0)


@main.command("claim-lists", help=JOBS["claim_lists"].does)
@click.argument("series")
@told
def list_claims(series: str) -> None:
    from pipeline.results.claim_lists import claim_lists

    with open_the_desk() as desk:
        click.echo(claim_lists(desk, series_of(desk, series), datetime.now(UTC)).note())
    click.echo(f"reports/claims/{series}.html, lists in outbox/<centre>/claims-{series}.txt and .csv")
