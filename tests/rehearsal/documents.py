"""What the pages for production say, as data: the secrets, the commands, the settings, the compose file, the image.

Nothing is written down here a second time: what the rehearsal starts, it has from these files.
"""

from __future__ import annotations

import io
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import frozen
from dockerfile_parse import DockerfileParser

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "infra" / "deploy"
PRODUCTION = ROOT / "docs" / "production.md"
PEOPLE = ROOT / "docs" / "people.md"
SETTINGS = ROOT / "docs" / "settings.md"


# --- Secrets ---------------------------------------------------------------------------------------------------------


@frozen
class Secret:
    """A file of the table of secrets: its name, and what the page gives as its contents in code, empty for what only
    words describe."""

    name: str
    given: str


def secrets() -> list[Secret]:
    """The files that production.md lists."""
    rows = _rows(PRODUCTION.read_text(encoding="utf-8"), "file", "contents", "who has it")
    return [
        Secret(name, (re.findall(r"`([^`]+)`", contents) or [""])[-1 if "password of" in contents else 0])
        for names, contents, _ in rows
        for name in re.findall(r"`([^`]+)`", names)
    ]


def _rows(text: str, *header: str) -> list[list[str]]:
    """The rows of the table with that header, its cells without blanks around them."""
    lines = iter(text.splitlines())
    wanted = f"| {' | '.join(header)} |"
    assert any(line == wanted for line in lines), f"no table {wanted}"
    next(lines)
    found = []
    for line in lines:
        if not line.startswith("|"):
            break
        found.append([cell.strip() for cell in line.strip("|").split("|")])
    return found


# --- Commands --------------------------------------------------------------------------------------------------------


@frozen
class Command:
    """A documented command: the service in which it is run, its words, and the file that is its standard input."""

    service: str
    words: tuple[str, ...]
    standard_input: str = ""

    @property
    def is_user(self) -> bool:
        """Whether it makes a user of Airflow."""
        return "airflow users create" in " ".join(self.words)

    def option(self, name: str) -> str:
        """What an option says, in the command itself or in the one that a shell is given."""
        words = shlex.split(" ".join(self.words)) if self.words[:2] == ("sh", "-c") else list(self.words)
        return words[words.index(name) + 1] if name in words else ""


def compose_commands() -> list[Command]:
    """The commands of production.md that are run inside a service, in the order of the page."""
    return list(_executed(shell_lines(PRODUCTION)))


def commands_for_people() -> list[Command]:
    """The commands of people.md that make a user, which are run where the API server is."""
    return [Command("api-server", tuple(words)) for words in shell_lines(PEOPLE) if words[:2] == ["airflow", "users"]]


def shell_lines(page: Path) -> Iterator[list[str]]:
    """Every command of the shell blocks of a page, as words; a command may go over several lines."""
    for block in re.findall(r"^```sh\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL):
        for line in re.sub(r"\\\n\s*", "", block).splitlines():
            if words := shlex.split(line, comments=True):
                yield words


def _executed(lines: Iterator[list[str]]) -> Iterator[Command]:
    for words in lines:
        if words[:2] != ["docker", "compose"] or "exec" not in words:
            continue
        rest = [word for word in words[words.index("exec") + 1 :] if word != "-T"]
        file = ""
        if "<" in rest:
            file = rest[rest.index("<") + 1]
            rest = rest[: rest.index("<")]
        yield Command(rest[0], tuple(rest[1:]), file)


# --- Settings --------------------------------------------------------------------------------------------------------


def settings() -> dict[str, str]:
    """Every variable that settings.md lists, ours and Airflow's, with what it says of production or, for ours, of the
    default."""
    text = SETTINGS.read_text(encoding="utf-8")
    ours = {row[0].strip("`"): row[1] for row in _rows(text, "variable", "default", "meaning")}
    airflows = _rows(text, "variable", "on one machine", "in production", "meaning")
    return ours | {row[0].strip("`"): row[2] for row in airflows}


def asked_for() -> list[str]:
    """The names in `.env.example`."""
    lines = (DEPLOY / ".env.example").read_text(encoding="utf-8").splitlines()
    return [line.rstrip("=") for line in lines if line and not line.startswith("#")]


def used_by_compose() -> dict[str, str]:
    """Every variable that the compose file takes from `.env`, and what it says if it is not given: `?...`: that it must
    be, `-...`: a default, empty: neither."""
    text = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
    found: dict[str, str] = {}
    for name, otherwise in re.findall(r"(?<!\$)\$\{([A-Z0-9_]+):?([?-][^}]*)?\}", text):
        found[name] = found.get(name) or otherwise
    return found


# --- The compose file and the image ----------------------------------------------------------------------------------


def composed(folder: Path, profiles: Sequence[str] = ()) -> dict[str, Any]:
    """The services that Docker Compose itself makes of the compose file in `folder`, with the `.env` there."""
    words = [str(Path(sys.executable).parent / "docker-compose"), "--file", str(folder / "compose.yaml")]
    words += [word for profile in profiles for word in ("--profile", profile)]
    done = subprocess.run(
        [*words, "config", "--format", "json"], check=False, capture_output=True, text=True, timeout=60,
        env={"PATH": "/usr/bin:/bin", "HOME": str(folder)}, cwd=folder,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)["services"]
    return found


def image_environment() -> Mapping[str, str]:
    """The environment that the image gives to every process."""
    copy: Any = io.BytesIO((DEPLOY / "Containerfile").read_bytes())
    return dict(DockerfileParser(fileobj=copy).envs)
