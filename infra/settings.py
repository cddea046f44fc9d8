"""Every setting of the desk, declared once: name, environment variable, default and meaning.

A setting comes from the environment or from its default; there is no settings file, so no secret can be left in one.
In production a secret need not be in the environment either: `<VARIABLE>_FILE` names a file that holds the value.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from attrs import Attribute, field, fields, frozen

from rules import terms

MIB = 1024 * 1024


class SettingError(ValueError):
    """A setting's value cannot be used; the message names the environment variable."""


def _setting(variable: str, default: Any, meaning: str, kind: type = str) -> Any:
    return field(default=default, metadata={"variable": variable, "meaning": meaning, "kind": kind})


CATALOGUE_OF_THE_PROJECT = Path(str(files("fixtures"))) / "catalogue"


@frozen(kw_only=True)
class Settings:
    """What the desk needs to know about where it runs. Made by `Settings.load`."""

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
        "starts an embedded server. Airflow's own tables are in the database `airflow` on the same server.",
    )
    database_owner_url: str = _setting(
        "RESULTSDAY_DATABASE_OWNER_URL",
        "",
        "The same address with the user who owns the ledger's tables. Only `resultsday migrate`, `up` and `restore` "
        "need it: they give the user of RESULTSDAY_DATABASE_URL what the desk needs, which is not to change or remove "
        "what is sealed. Empty: the desk itself owns the tables, and health says so.",
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
        "A file that was written into a folder less than this many seconds ago may still be growing, and waits for the "
        "next run. Files that came by SFTP, and objects in S3, are whole and do not wait.",
        int,
    )
    unfinished_seconds: int = _setting(
        "RESULTSDAY_UNFINISHED_SECONDS",
        3600,
        "A file whose name says that its upload is unfinished (`E6412315.X01.part`) is left to its sender for so many "
        "seconds; if it has not been renamed by then it is taken out unread, and the sender is told.",
        int,
    )
    batch_files: int = _setting(
        "RESULTSDAY_BATCH_FILES", 200, "At most this many files are taken together in one batch.", int
    )
    batch_bytes: int = _setting(
        "RESULTSDAY_BATCH_BYTES",
        64 * MIB,
        "At most this many bytes of files are taken together in one batch (one file always fits).",
        int,
    )
    shards: int = _setting(
        "RESULTSDAY_SHARDS",
        1,
        "When more files wait than are taken in one batch, so many ingests decide them at the same time, each those of "
        "other centres, on whatever worker. What is decided is the same. 1: one ingest does everything.",
        int,
    )
    max_file_bytes: int = _setting(
        "RESULTSDAY_MAX_FILE_BYTES",
        64 * MIB,
        "A larger file is kept in the archive and refused without being parsed.",
        int,
    )
    store_threads: int = _setting(
        "RESULTSDAY_STORE_THREADS",
        32,
        "A job has at most this many requests to a store in S3 under way at a time: the farther away it is, the more.",
        int,
    )
    sftp_host: str = _setting(
        "RESULTSDAY_SFTP_HOST", "127.0.0.1", "Address on which the landing service (SFTP) listens."
    )
    sftp_port: int = _setting(
        "RESULTSDAY_SFTP_PORT",
        2222,
        "TCP port of the landing service. If it is taken, the desk does not start. 0: any that is free, "
        "which `resultsday up` names.",
        int,
    )
    ui_port: int = _setting(
        "RESULTSDAY_UI_PORT",
        8080,
        "TCP port of Airflow and the console on one machine. If it is taken, the desk does not start. 0: any that is "
        "free, if possible the same as last time.",
        int,
    )
    start_seconds: int = _setting(
        "RESULTSDAY_START_SECONDS",
        300,
        "`resultsday up` waits as long as the parts of the desk make progress. It gives up when the part it waits for "
        "has done nothing for so many seconds (and after six times as long whatever it does), and names that part.",
        int,
    )
    restarts: int = _setting(
        "RESULTSDAY_RESTARTS",
        10,
        "On one machine a part of the desk that ends is started again, at most so many times in a row, each time a "
        "little later. Then it is given up, and people are told; the others go on.",
        int,
    )
    sftp_connections: int = _setting(
        "RESULTSDAY_SFTP_CONNECTIONS",
        500,
        "At most this many connections to the landing service at a time, logged in or not.",
        int,
    )
    sftp_login_connections: int = _setting(
        "RESULTSDAY_SFTP_LOGIN_CONNECTIONS",
        100,
        "At most this many of them have not logged in yet; the other places are kept for centres that have. When all "
        "are taken, a new connection takes the place of one of the address that has the most.",
        int,
    )
    sftp_address_connections: int = _setting(
        "RESULTSDAY_SFTP_ADDRESS_CONNECTIONS",
        20,
        "At most this many connections of one address (in IPv6: of one /64) that have not logged in yet. A further one "
        "takes the place of the oldest. Behind a balancer that hides addresses, give it the value of "
        "`RESULTSDAY_SFTP_LOGIN_CONNECTIONS`.",
        int,
    )
    sftp_login_bytes: int = _setting(
        "RESULTSDAY_SFTP_LOGIN_BYTES",
        65536,
        "A connection that has sent more than this many bytes without having logged in is ended, and its address is "
        "refused for a minute. A log-in needs some thousand.",
        int,
    )
    sftp_sessions: int = _setting(
        "RESULTSDAY_SFTP_SESSIONS",
        8,
        "At most this many connections of one centre to the landing service at a time.",
        int,
    )
    sftp_open_files: int = _setting(
        "RESULTSDAY_SFTP_OPEN_FILES", 1000, "At most this many files are open at the landing service at a time.", int
    )
    sftp_centre_open_files: int = _setting(
        "RESULTSDAY_SFTP_CENTRE_OPEN_FILES",
        50,
        "At most this many of them are one centre's, and never more than are left for all others.",
        int,
    )
    sftp_waiting_files: int = _setting(
        "RESULTSDAY_SFTP_WAITING_FILES",
        2000,
        "At most this many files of a centre wait in its inbox; the landing service accepts no more until some have "
        "been taken in.",
        int,
    )
    sftp_buffer_bytes: int = _setting(
        "RESULTSDAY_SFTP_BUFFER_BYTES",
        512 * MIB,
        "At most this many bytes of unfinished transfers are held by the landing service at a time: a file up to "
        "1 MiB in memory, a larger one, or one with a gap, in the system's temporary folder.",
        int,
    )
    sftp_centre_buffer_bytes: int = _setting(
        "RESULTSDAY_SFTP_CENTRE_BUFFER_BYTES",
        128 * MIB,
        "At most this many of them are one centre's, and never more than are left for all others.",
        int,
    )
    sftp_day_bytes: int = _setting(
        "RESULTSDAY_SFTP_DAY_BYTES",
        2048 * MIB,
        "At most this many bytes are taken from one centre within 24 hours, and as many given to it; counted anew when "
        "the landing service is started.",
        int,
    )
    sftp_login_seconds: int = _setting(
        "RESULTSDAY_SFTP_LOGIN_SECONDS",
        30,
        "A connection that has not logged in after this many seconds is ended.",
        int,
    )
    sftp_idle_seconds: int = _setting(
        "RESULTSDAY_SFTP_IDLE_SECONDS", 600, "A session that has been idle for this many seconds is ended.", int
    )

    airflow_password: str = _setting(
        "RESULTSDAY_AIRFLOW_PASSWORD",
        "",
        "Password of Airflow's user `ops`, with which tasks set the notes of their runs. Empty: the password that the "
        "desk on this machine has made.",
    )

    airflow_database_url: str = _setting(
        "RESULTSDAY_AIRFLOW_DATABASE_URL",
        "",
        "PostgreSQL address of Airflow's tables, whose old rows are removed (`resultsday keep`). Empty: the database "
        "`airflow` on the ledger's server, with the same user.",
    )

    broker: str = _setting(
        "RESULTSDAY_BROKER",
        "",
        "Celery's queue, `redis://:password@host:port/0`: `resultsday up` then runs tasks in a Celery worker "
        "(CeleryExecutor). Empty: tasks are processes of the scheduler (LocalExecutor).",
    )

    queues: str = _setting(
        "RESULTSDAY_QUEUES",
        "",
        "Queues of Celery at which a worker must answer for the desk to be healthy, separated by commas; asked at "
        "`RESULTSDAY_BROKER`. Empty: none is asked for.",
    )

    approvers: str = _setting(
        "RESULTSDAY_APPROVERS",
        "admin",
        "Who may approve boundaries, results, adjustments and corrections: users of the console, separated by commas. "
        "Where two are asked, a system account counts only if it is named here too; it is the same person as a user "
        "of that name. Somebody with two names is written with both, `jane=jclerk`, and is one person.",
    )

    approvals: int = _setting(
        "RESULTSDAY_APPROVALS",
        1,
        "How many people approve boundaries, results, adjustments and corrections. With 2 or more they differ, none of "
        "them has put forward what is approved, and each is named in `RESULTSDAY_APPROVERS` (OPS-4).",
        int,
    )
    users: str = _setting(
        "RESULTSDAY_USERS",
        "",
        "More users of the desk's own Airflow, `name:role` separated by commas; the roles are viewer, user, op and "
        "admin. Their passwords are made at the first start and kept in `airflow/passwords.json` in the state folder.",
    )
    roles: str = _setting(
        "RESULTSDAY_ROLES",
        "",
        "Roles of your own in Airflow, and which of ours each is like, `Exams Clerk=user` separated by commas: viewer, "
        "user or op. A role that is not named here has no right in the console, and may do nothing over Airflow's API.",
    )
    personal_data: str = _setting(
        "RESULTSDAY_PERSONAL_DATA",
        "admin",
        "Who may see names, dates of birth and UCIs in the console, which records each time: users of Airflow, "
        "separated by commas.",
    )

    alert_mail_to: str = _setting(
        "RESULTSDAY_ALERT_MAIL_TO",
        "",
        "Who is told of alerts by e-mail: addresses, separated by commas. Empty: nobody.",
    )
    alert_mail_from: str = _setting("RESULTSDAY_ALERT_MAIL_FROM", "resultsday@localhost", "Sender of these e-mails.")
    alert_smtp_host: str = _setting("RESULTSDAY_ALERT_SMTP_HOST", "127.0.0.1", "Mail server (SMTP) for them.")
    alert_smtp_port: int = _setting("RESULTSDAY_ALERT_SMTP_PORT", 25, "Its TCP port.", int)
    alert_smtp_tls: str = _setting(
        "RESULTSDAY_ALERT_SMTP_TLS",
        "none",
        "`starttls`: e-mails are sent encrypted, and only to a server whose certificate this machine trusts; `none`: "
        "in the clear, for a mail server on this machine.",
    )
    alert_smtp_user: str = _setting("RESULTSDAY_ALERT_SMTP_USER", "", "User at the mail server. Empty: no log-in.")
    alert_smtp_password: str = _setting(
        "RESULTSDAY_ALERT_SMTP_PASSWORD", "", "Its password, sent only with `starttls`."
    )
    alert_webhook: str = _setting(
        "RESULTSDAY_ALERT_WEBHOOK", "", "Address to which alerts are posted as JSON. Empty: nowhere."
    )
    alert_webhook_token: str = _setting(
        "RESULTSDAY_ALERT_WEBHOOK_TOKEN", "", "Bearer token for that address. Empty: none."
    )
    file_webhook: str = _setting(
        "RESULTSDAY_FILE_WEBHOOK",
        "",
        "Address to which what became of each file is posted as JSON, one POST a file: submission, centre, outcome, "
        "reply. The token is that of `RESULTSDAY_ALERT_WEBHOOK_TOKEN`. Empty: nowhere.",
    )
    alert_seconds: int = _setting(
        "RESULTSDAY_ALERT_SECONDS",
        10,
        "An alert that has not been sent after this many seconds is given up until the next look.",
        int,
    )
    alert_runbook: str = _setting(
        "RESULTSDAY_ALERT_RUNBOOK",
        "docs/runbook/{page}.md",
        "Address of the runbook's pages, for links in alerts, with `{page}` for the name of the page. On the docs site "
        "it ends in `runbook/{page}.html`.",
    )
    console_url: str = _setting(
        "RESULTSDAY_CONSOLE_URL",
        "",
        "Address of the console as people type it, for links in alerts, such as "
        "`https://desk.board.example/resultsday`. Empty: the console on this machine.",
    )
    guard_seconds: int = _setting(
        "RESULTSDAY_GUARD_SECONDS",
        60,
        "So many seconds after results were due to be out, the guard looks whether they are, and publishes what is "
        "approved if they are not.",
        int,
    )
    alive_url: str = _setting(
        "RESULTSDAY_ALIVE_URL",
        "",
        "Address of a monitor outside, to which the guard posts once a minute that all is well, if it is. The monitor "
        "calls people when it hears nothing. Empty: nobody is told.",
    )
    sftp_check: str = _setting(
        "RESULTSDAY_SFTP_CHECK",
        "",
        "`host:port` at which the landing service must answer for the desk to be healthy. Empty: it is not checked.",
    )
    free_disk_bytes: int = _setting(
        "RESULTSDAY_FREE_DISK_BYTES",
        1024 * MIB,
        "Less free space than this on the disk of the store (if it is a folder) or of the state folder is reported.",
        int,
    )

    @property
    def store_location(self) -> str:
        """The store's address with its default filled in: a folder or `s3://bucket/prefix`."""
        return self.store or str(self.state / "store")

    @property
    def owner_url(self) -> str:
        """The address with which the ledger's tables are made and changed."""
        return self.database_owner_url or self.database_url

    @property
    def console_address(self) -> str:
        """The console's address with its default filled in; empty where the port is not known."""
        own = f"http://127.0.0.1:{self.ui_port}/resultsday" if self.ui_port else ""
        return self.console_url.rstrip("/").replace("//resultsday", "/resultsday") or own

    @classmethod
    def load(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """Settings from `environment`; raises `SettingError` for a value that cannot be used or a file that cannot be
        read."""
        given: dict[str, Any] = {}
        for setting in declared():
            text = _text(environment, setting.metadata["variable"])
            if text:
                given[setting.name] = _read(setting, text)
        loaded = cls(**given)
        for wrong in loaded._wrong():
            raise SettingError(wrong)
        return loaded

    def own_roles(self) -> dict[str, str]:
        """Which of ours each other role of Airflow is like, by its name in small letters."""
        pairs = (one.rpartition("=") for one in self.roles.split(",") if one.strip())
        return {name.strip().casefold(): like.strip().casefold() for name, _, like in pairs}

    def _wrong(self) -> Iterator[str]:
        """What is wrong with settings that are of their kind."""
        if set(self.own_roles().values()) - {"viewer", "user", "op"}:
            yield "RESULTSDAY_ROLES says for each role viewer, user or op, like `Exams Clerk=user`"
        if self.approvals < 1:
            yield "RESULTSDAY_APPROVALS must be at least 1"
        if min(self.batch_files, self.batch_bytes, self.max_file_bytes) < 1:
            yield "batch and file limits must be at least 1"
        if not 1 <= self.shards <= terms.MOST_SHARDS:
            yield f"RESULTSDAY_SHARDS must be from 1 to {terms.MOST_SHARDS}"
        for setting in declared():
            named = ("alert_seconds", "guard_seconds", "start_seconds", "restarts", "store_threads")
            limit = setting.name in named or (setting.name.startswith("sftp_") and setting.name != "sftp_port")
            if limit and setting.metadata["kind"] is int and getattr(self, setting.name) < 1:
                yield f"{setting.metadata['variable']} must be at least 1"
        yield from self._wrong_shares()
        if self.alert_smtp_tls not in ("none", "starttls"):
            yield "RESULTSDAY_ALERT_SMTP_TLS must be none or starttls"
        if self.alert_smtp_password and self.alert_smtp_tls == "none":
            yield "RESULTSDAY_ALERT_SMTP_PASSWORD is not sent in the clear: set RESULTSDAY_ALERT_SMTP_TLS"

    def _wrong_shares(self) -> Iterator[str]:
        """Limits of the landing service with which no centre could send what it may."""
        if self.sftp_login_connections >= self.sftp_connections:
            yield "RESULTSDAY_SFTP_LOGIN_CONNECTIONS must be below RESULTSDAY_SFTP_CONNECTIONS, or nobody can log in"
        for largest in ("sftp_centre_buffer_bytes", "sftp_day_bytes"):
            if getattr(self, largest) < self.max_file_bytes:
                name = next(setting.metadata["variable"] for setting in declared() if setting.name == largest)
                yield f"{name} must not be below RESULTSDAY_MAX_FILE_BYTES, or the largest file cannot be sent"
        if self.sftp_buffer_bytes < 2 * self.max_file_bytes:
            yield "RESULTSDAY_SFTP_BUFFER_BYTES must be at least twice RESULTSDAY_MAX_FILE_BYTES"

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


def _text(environment: Mapping[str, str], variable: str) -> str:
    """The value of a variable in the environment, or the text of the file that `<variable>_FILE` names."""
    named = environment.get(f"{variable}_FILE", "")
    if environment.get(variable) or not named:
        return environment.get(variable, "")
    try:
        return Path(named).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(f"{variable}_FILE={named!r} cannot be read ({type(error).__name__})") from None


def _read(setting: Attribute[Any], text: str) -> Any:
    kind = setting.metadata["kind"]
    try:
        return kind(text)
    except ValueError:
        raise SettingError(f"{setting.metadata['variable']}={text!r} is not a {kind.__name__}") from None
