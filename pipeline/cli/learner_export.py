"""The command that gives a learner everything held about them (OPS-9)."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.cli.approvals import ordered
from pipeline.cli.learners import learner
from pipeline.cli.tools import open_the_desk, say, told


@learner.command()
@click.argument("uci")
@click.option("--why", required=True, help="The reason, for the record, for example the learner's request.")
@click.option("--json", "as_json", is_flag=True, help="Write JSON, for other programs.")
@click.option("--to", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file, for you only.")
@told
def export(uci: str, why: str, as_json: bool, to: Path | None) -> None:
    """Everything held about the learner with this UCI: every table, and the lines of every file. It is put on record
    that it was given out."""
    from infra.host import write_private
    from pipeline.keeping.export import export as everything

    order = ordered(why)
    with open_the_desk() as desk:
        held = everything(desk, uci, order.at, order.who, why, order.how)
    text = held.json() if as_json else "\n".join(held.text()) + "\n"
    if to:
        write_private(to, text)
        click.echo(f"written: {to}")
    else:
        say(text.rstrip("\n").split("\n"))
