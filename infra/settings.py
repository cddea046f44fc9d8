"""Every setting of the desk, declared once: name, environment variable, default and meaning.

A setting comes from the environment or from its default; there is no settings file, so no secret can be left in one.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from attrs import Attribute, field, fields, frozen

MIB = 1024 * 1024


class SettingError(ValueError):
    """A setting's value cannot be used; the message names the environment variable."""


def _setting(variable: str, default: Any, meaning: str, kind: type = str) -> Any:
    return field(default=default, metadata={"variable": variable, "meaning": meaning, "kind": kind})


CATALOGUE_OF_THE_PROJECT = Path(str(files("fixtures"))) / "catalogue"


@frozen(kw_only=True)
class Settings:
    """What the desk needs to know of its surroundings. Build one with `Settings.load`."""

    state: Path = _setting(
        "RESULTSDAY_STATE",
        Path("var"),
        "Folder of everything the desk keeps on this machine: database, logs, store.",
        Path,
    )
    store: str = _setting(
        "RESULTSDAY_STORE", "", "Object store: a folder, or `s3://bucket/prefix`. Empty: `store/` in the state folder."
    )
    database_url: str = _setting(
        "RESULTSDAY_DATABASE_URL",
        "",
        "PostgreSQL address of the ledger, `postgresql+psycopg2://user:password@host:port/database`. Empty: the desk "
        "starts an embedded server. Airflow's own tables live in the database `airflow` on the same server.",
    )
    catalogue: Path = _setting(
        "RESULTSDAY_CATALOGUE",
        CATALOGUE_OF_THE_PROJECT,
        "Folder of the catalogue: components, calendar, tariff and streams as CSV files.",
        Path,
    )
    settle_seconds: int = _setting(
        "RESULTSDAY_SETTLE_SECONDS",
        10,
        "A file that changed less than this many seconds ago may still be growing and is left for the next run "
        "(folder store; objects in S3 are always whole).",
        int,
    )
    batch_files: int = _setting("RESULTSDAY_BATCH_FILES", 200, "Files taken together in one batch, at the most.", int)
    batch_bytes: int = _setting(
        "RESULTSDAY_BATCH_BYTES",
        64 * MIB,
        "Bytes of files taken together in one batch, at the most (one file always fits).",
        int,
    )
    max_file_bytes: int = _setting(
        "RESULTSDAY_MAX_FILE_BYTES",
        64 * MIB,
        "A larger file is kept in the archive and refused without being parsed.",
        int,
    )

    approvers: str = _setting(
        "RESULTSDAY_APPROVERS", "admin", "Who may approve boundaries and results: users of Airflow, by comma."
    )

    @property
    def store_location(self) -> str:
        """The store's address with its default filled in: a folder or `s3://bucket/prefix`."""
        return self.store or str(self.state / "store")

    @classmethod
    def load(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """Settings from `environment`; raises `SettingError` for a value that is not of its kind."""
        given: dict[str, Any] = {}
        for setting in declared():
            text = environment.get(setting.metadata["variable"], "")
            if text:
                given[setting.name] = _read(setting, text)
        loaded = cls(**given)
        for number in (loaded.batch_files, loaded.batch_bytes, loaded.max_file_bytes):
            if number < 1:
                raise SettingError("batch and file limits must be at least 1")
        return loaded

    def environment(self) -> dict[str, str]:
        """These settings as environment variables, for the processes the desk starts."""
        values = {s.metadata["variable"]: getattr(self, s.name) for s in declared()}
        absolute = {k: str(v.absolute() if isinstance(v, Path) else v) for k, v in values.items()}
        if self.store and not self.store.startswith("s3://"):
            absolute["RESULTSDAY_STORE"] = str(Path(self.store).absolute())
        return absolute


def declared() -> tuple[Attribute[Any], ...]:
    """The attrs fields of `Settings`, each with `variable`, `meaning` and `kind` in its metadata."""
    return tuple(fields(Settings))


def _read(setting: Attribute[Any], text: str) -> Any:
    kind = setting.metadata["kind"]
    try:
        return kind(text)
    except ValueError:
        raise SettingError(f"{setting.metadata['variable']}={text!r} is not a {kind.__name__}") from None
