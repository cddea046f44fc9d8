"""The command line as a whole: its commands in groups with an example each, and what is said where one cannot run."""

from __future__ import annotations

from typing import Any

import click
from attrs import frozen


@frozen
class Group:
    """Commands that belong together: those of some modules of the command line. `example` can be typed as it is."""

    title: str
    modules: tuple[str, ...]
    example: str


GROUPS = (
    Group("Files, without a desk", ("files",), "resultsday check E6412315.X01"),
    Group("The desk", ("desk",), "resultsday up"),
    Group("Calendar and jobs", ("calendar",), "resultsday calendar 2024-06"),
    Group("Centres and staff", ("centres", "register", "staff"), "resultsday centre list"),
    Group("Held files", ("quarantine",), "resultsday quarantine list"),
    Group(
        "Learners", ("learners", "learner_orders", "learner_export", "keep"), "resultsday learner show 641230220001D"
    ),
    Group(
        "Awards and results",
        ("results", "gate", "withhold", "corrections"),
        "resultsday explain --centre 64123 --candidate 0001",
    ),
    Group("Decisions", ("approvals",), "resultsday approvals list"),
    Group("Watching and running it", ("watching", "production"), "resultsday health"),
)
"""In the order of `resultsday --help`."""

OF_THE_SYSTEM = frozenset({"fcntl", "grp", "pty", "pwd", "resource", "termios"})
"""Modules of Python that Windows lacks."""


class Program(click.Group):
    """`resultsday`."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Every command with what it does, by its group."""
        widest = max(map(len, self.commands))
        room = formatter.width - widest - 6
        for group in GROUPS:
            commands = {name: command for name, command in self.commands.items() if _module(command) in group.modules}
            if commands:
                rows = [(name.ljust(widest), command.get_short_help_str(room)) for name, command in commands.items()]
                with formatter.section(group.title):
                    formatter.write_dl(rows)
                    formatter.write_text(f"For example: {group.example}")

    def invoke(self, ctx: click.Context) -> Any:
        """Runs a command; where it needs what is not installed, it says so."""
        try:
            return super().invoke(ctx)
        except ModuleNotFoundError as error:
            missing = (error.name or "").split(".")[0]
            if missing in OF_THE_SYSTEM:
                raise click.ClickException("this command needs the desk, which runs on Linux only") from error
            raise click.ClickException(
                f"this command needs the desk, and {missing} is not installed: pip install 'resultsday[desk]'"
            ) from error


def _module(command: click.Command) -> str:
    """The module of the command line that a command is declared in."""
    return (command.callback.__module__ if command.callback else "").rpartition(".")[2]
