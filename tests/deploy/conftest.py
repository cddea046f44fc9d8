"""Where the files for production are, the programs that read them, and what must be set in all of them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

from infra.notify import channels
from infra.running.airflow_settings import SECRETS
from infra.settings import Settings, declared

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "infra" / "deploy"


def _policy() -> ModuleType:
    """Airflow's policy, which is where Airflow looks for it and so cannot be imported as a module of ours."""
    spec = spec_from_file_location("airflow_local_settings", DEPLOY / "airflow_local_settings.py")
    assert spec
    assert spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


POLICY = _policy()
SECRET = {"airflow_password", "alert_smtp_password", "alert_webhook_token", "database_url"}
"""The settings of ours that are secrets, by their names and by those of their files."""
_ONE_MACHINE = {"airflow_password", "approvals", "approvers", "database_url", "personal_data", "sftp_check", "store"}
OF_SETTINGS = {
    setting.metadata["variable"] + ("_FILE" if setting.name in SECRET else "")
    for setting in declared()
    if setting.name in _ONE_MACHINE or (setting.name.startswith("alert_") and setting.name != "alert_seconds")
}
"""What production has to set, because the default is for one machine, or tells nobody."""


def program(name: str, *words: str | Path, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Runs a program that is installed beside Python."""
    command = [str(Path(sys.executable).parent / name), *map(str, words)]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=60, cwd=DEPLOY, env=env)


def loads_and_tells(environment: Mapping[str, str], secrets: Path) -> Settings:
    """The settings of a process in that environment, with every secret of ours in its file; they reach people by mail,
    and by a webhook if there is one."""
    for name in SECRET:
        (secrets / name).write_text(f"{name} of the vault\n", encoding="utf-8")
    (secrets / "database_owner_url").write_text("of the migration alone\n", encoding="utf-8")
    (secrets / "broker_url").write_text("redis://:password@broker:6379/0\n", encoding="utf-8")
    loaded = Settings.load({name: value.replace(SECRETS, str(secrets)) for name, value in environment.items()})
    assert {getattr(loaded, name) for name in SECRET} == {f"{name} of the vault" for name in SECRET}
    ways = [type(channel).__name__ for channel in channels(loaded)]
    assert ways == ["Mail", *(["Webhook"] if loaded.alert_webhook else [])]
    # What is not used is an empty file.
    for name in ("alert_smtp_password", "alert_webhook_token"):
        (secrets / name).write_text("", encoding="utf-8")
    without = Settings.load({name: value.replace(SECRETS, str(secrets)) for name, value in environment.items()})
    assert (without.alert_smtp_password, without.alert_webhook_token) == ("", "")
    return loaded
