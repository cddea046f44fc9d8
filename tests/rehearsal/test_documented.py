"""What the pages say about production, held to the files, the packages and the commands that there are.
`make rehearsal` runs all of it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from infra.running.airflow_settings import SECRETS, VARIABLES
from infra.settings import declared
from pipeline.cli import main
from tests.rehearsal import documents

DRIVERS = """
import sys
import sqlalchemy as sa
sa.create_engine(sys.argv[1]).dialect.import_dbapi()
"""


def test_the_example_asks_for_every_variable_of_the_compose_file_and_no_other() -> None:
    assert set(documents.asked_for()) == documents.used_by_compose().keys()
    assert len(set(documents.asked_for())) == len(documents.asked_for())


def test_every_secret_of_the_compose_file_is_in_the_table_and_no_other() -> None:
    text = (documents.DEPLOY / "compose.yaml").read_text(encoding="utf-8")
    mounted = set(re.findall(r'^  ([a-z_.]+): \{file: "\$\{RESULTSDAY_SECRETS', text, re.MULTILINE))
    assert {secret.name for secret in documents.secrets()} == mounted
    assert {variable.kept_in for variable in VARIABLES if variable.kept_in} <= mounted
    assert set(re.findall(rf"{SECRETS}/(\w+)", text)) - {"aws_credentials", "broker"} <= mounted


def test_every_setting_is_on_the_page() -> None:
    ours = {setting.metadata["variable"] for setting in declared()}
    assert documents.settings().keys() == ours | {variable.name for variable in VARIABLES}


@pytest.mark.parametrize(
    "secret", [secret for secret in documents.secrets() if "postgresql" in secret.given], ids=lambda secret: secret.name
)
def test_a_documented_address_asks_for_a_driver_that_is_locked(secret: documents.Secret) -> None:
    # Celery takes what stands before the `+` for the kind of its backend. `postgresql://` alone means psycopg 3.
    address = secret.given.removeprefix("db+").replace(":5432", ":1")
    subprocess.run([sys.executable, "-c", DRIVERS, address], check=True, timeout=60)
    [driver] = re.findall(r"^postgresql\+(\w+)://", address)
    lock = (documents.DEPLOY / "requirements.lock").read_text(encoding="utf-8")
    assert re.search(rf"^{driver}(-binary)?==", lock, re.MULTILINE)


def test_documented_commands_are_commands_with_these_options() -> None:
    assert isinstance(main, click.Group)
    ours = [command for command in documents.compose_commands() if command.words[0] == "resultsday"]
    assert {command.words[1] for command in ours} == {"alerts", "centre"}
    for command in ours:
        said = CliRunner().invoke(main, [*command.words[1:3], "--help"])
        assert said.exit_code == 0, command
        for option in (word for word in command.words if word.startswith("--")):
            assert option in said.output, command
    assert {command.option("--username") for command in documents.compose_commands() if command.is_user} == {
        "olive",
        "ops",
    }
    for command in (*documents.compose_commands(), *documents.commands_for_people()):
        if command.is_user:  # Airflow asks for all of them
            for option in ("--role", "--username", "--firstname", "--lastname", "--email"):
                assert command.option(option), command


def test_a_key_comes_by_standard_input_as_documented(tmp_path: Path) -> None:
    [command] = [command for command in documents.compose_commands() if command.standard_input]
    assert command.words[1:5] == ("centre", "add", "64123", "-")
    done = CliRunner().invoke(main, list(command.words[1:]), input="no key", env={"RESULTSDAY_STATE": str(tmp_path)})
    # It is read: what is missing is a ledger, not a file of that name.
    assert "no ledger" in done.output, done.output
