"""The runbook works: every command of every page is run, in order, on a desk in the state the page speaks of.

A page names its state in a comment (`<!-- desk: built -->`); `PREPARED` makes it. In a block, `$` begins a command, the
lines below must be in what it prints, `# exit code 1` says with what it ends, and `# after: ...` what happens before.
"""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import copytree

import asyncssh
import pytest
import sqlalchemy as sa
from attrs import evolve, frozen
from click.testing import CliRunner

from bench.registers import register_for_tests
from infra.host import free_port
from infra.landing.keys import read_public_key
from infra.ledger import tables as t
from infra.ledger.alerts import WatchBook
from infra.ledger.approvals import Order
from infra.ledger.submissions import migrate
from infra.running.postgres import EmbeddedPostgres
from infra.settings import Settings
from pipeline.awarding.award import award
from pipeline.centres.orders import Application, decide_approval
from pipeline.cli import main
from pipeline.desk import Desk, open_desk
from pipeline.intake.ingest import ingest
from pipeline.results.release import approve, release
from pipeline.watching.watch import INGEST, WATCH
from rules import terms
from tests.catalogue import FROZEN
from tests.mailbox import mail_server, webhook
from tests.monitors import airflow_tables, scheduler_beating
from tests.patience import PATIENCE
from tests.pipeline.results_season import AWARDED, BUILT, SECOND, TO_CENTRES, TO_LEARNERS, WHO, WHY, build, play, series
from tests.scenario_language import Season
from tests.support import CENTRE, centre_file

ROOT = Path(__file__).parents[1]
PAGES = sorted(path for path in (ROOT / "docs" / "runbook").glob("*.md") if path.name != "README.md")
MINUTE = timedelta(minutes=1)
ELSEWHERE = {
    "make up": ("tests/infra/test_supervisor.py", "test_up_twice_parts_that_die_and_a_killed_supervisor"),
    "make down": ("tests/infra/test_supervisor.py", "test_up_twice_parts_that_die_and_a_killed_supervisor"),
    "resultsday replay": (
        "tests/pipeline/test_replay.py",
        "test_res_6_the_command_replays_and_says_what_is_not_the_same",
    ),
}
"""What another test runs: it starts and ends a whole desk, or takes a season of which every step is on record, which
the one of this test, with its short cuts, is not."""


@frozen
class Command:
    """A command of a page."""

    words: str
    prints: tuple[str, ...]
    exit_code: int
    after: str


def commands(page: Path) -> Iterator[Command]:
    """Every command of a page, in order."""
    for block in re.findall(r"```console\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
        for part in re.split(r"^\s*\$ ", block, flags=re.MULTILINE)[1:]:
            words, *said = (line.strip() for line in part.strip().splitlines())
            notes = dict(re.findall(r"# (exit code|after:) (.*)", "\n".join(said)))
            prints = tuple(line for line in said if line and not line.startswith("# "))
            yield Command(words, prints, int(notes.get("exit code", 0)), notes.get("after:", ""))


# --- The desks -------------------------------------------------------------------------------------------------------


def _land(desk: Desk, key: str, data: bytes, at: datetime) -> None:
    Season(desk).land(key, data, at)


def _built(desk: Desk) -> None:
    build(desk, award(desk, series(desk), AWARDED).awarding, BUILT)


def _approved(desk: Desk) -> None:
    newest = desk.results.newest("2024-06")
    assert newest
    approve(desk, newest, WHO, WHY, BUILT)


def _half_released(desk: Desk) -> None:
    release(desk, series(desk), "centres", TO_CENTRES + SECOND)


def _released(desk: Desk) -> None:
    release(desk, series(desk), "learners", TO_LEARNERS + SECOND)


def _half_out(desk: Desk) -> None:
    """As a run leaves it that dies after the first file."""
    newest = desk.results.newest("2024-06")
    assert newest
    first = desk.results.files(newest)[0]
    desk.store.put(first.place, desk.store.get(first.embargoed))


def _unsealed(desk: Desk) -> None:
    """Somebody has changed a mark past the desk."""
    owner = sa.create_engine(desk.settings.owner_url)
    with owner.begin() as connection:
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        connection.exec_driver_sql("UPDATE marks SET tasks = '1' WHERE candidate = '0004' AND component = 'BEN01'")
    owner.dispose()


def _tampered(desk: Desk) -> None:
    newest = desk.results.newest("2024-06")
    assert newest
    first = desk.results.files(newest)[0]
    desk.store.put(first.embargoed, desk.store.get(first.embargoed) + b" ")


def _held(desk: Desk) -> None:
    at = datetime(2024, 3, 1, 12, tzinfo=UTC)
    _land(desk, f"inbox/{CENTRE}/E6412315.X07", centre_file(("BEN02",), sequence=7, count=4), at)
    assert ingest(desk, at + MINUTE).outcomes == {"quarantined": 1}


def _resent(desk: Desk) -> None:
    with desk.ledger.engine.connect() as connection:
        of = t.submissions.c
        query = sa.select(of.sha256, of.file_name).where(
            of.centre == CENTRE, of.letter == "E", of.awarding_body == "15"
        )
        sha256, name = connection.execute(query).one()
    _land(desk, f"inbox/{CENTRE}/{name}", desk.store.get(f"archive/{sha256}"), datetime(2024, 3, 1, 12, tzinfo=UTC))


def _files_wait(desk: Desk) -> None:
    _land(
        desk,
        f"inbox/{CENTRE}/A6412315.X07",
        centre_file(letter="A", sequence=7, count=4),
        datetime(2024, 3, 1, tzinfo=UTC),
    )


def _many_files(desk: Desk) -> None:
    for centre in (CENTRE, "58201", "40807"):
        _land(desk, f"inbox/{centre}/notes.txt", b"hello", datetime(2024, 3, 1, tzinfo=UTC))


def _crowded(desk: Desk) -> None:
    desk.door.reached({("sessions", CENTRE): 12}, datetime.now(UTC))


def _growing(desk: Desk) -> None:
    _land(desk, f"inbox/{CENTRE}/E6412315.X07.part", b"", datetime.now(UTC))


def _applied(desk: Desk) -> None:
    asked = datetime.now(UTC) - timedelta(days=20)
    about = Application(centre=CENTRE, qualification="BZS22")
    decide_approval(desk, about, terms.ASKED, f"{asked:%Y-%m-%d}", asked, WHO, WHY, terms.FAST_TRACK)


def _nothing(_: Desk) -> None:
    pass


PREPARED: dict[str, tuple[str, Callable[[Desk], None]]] = {
    "entered": ("", _nothing),
    "growing": ("entered", _growing),
    "applied": ("entered", _applied),
    "many files": ("entered", _many_files),
    "crowded": ("entered", _crowded),
    "files wait": ("entered", _files_wait),
    "held": ("entered", _held),
    "resent": ("entered", _resent),
    "store gone": ("entered", _nothing),
    "database gone": ("entered", _nothing),
    "built": ("entered", _built),
    "approved": ("built", _approved),
    "half out": ("approved", _half_out),
    "tampered": ("approved", _tampered),
    "half released": ("approved", _half_released),
    "released": ("half released", _released),
    "unsealed": ("approved", _unsealed),
}
"""Of each state: the one it comes from, and what leads there."""


class Desks:
    """Desks in every state, copied: a ledger and a store each."""

    def __init__(self, server: EmbeddedPostgres, folder: Path, common: Settings) -> None:
        self._server, self._folder, self._common = server, folder, common
        self._made: dict[str, Settings] = {}
        self._copies = 0

    def new(self) -> Settings:
        """One without anything."""
        return self._copy(None)

    def like(self, state: str) -> Settings:
        """Another one in that state."""
        return self._copy(self._in(state))

    def _in(self, state: str) -> Settings:
        if state not in self._made:
            before, lead = PREPARED[state]
            settings = self._copy(self._in(before) if before else None)
            if not before:
                register_for_tests(settings.database_url)
            with open_desk(settings) as desk:
                if not before:
                    play(desk)
                    key = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
                    desk.keys.add(CENTRE, read_public_key(key), Order(WHO, WHY, AWARDED))
                lead(desk)
            self._made[state] = settings
        return self._made[state]

    def _copy(self, of: Settings | None) -> Settings:
        self._copies += 1
        name, state = f"runbook{self._copies}", self._folder / str(self._copies)
        template = of.database_url.rpartition("/")[2].partition("?")[0] if of else "runbook0"
        engine = sa.create_engine(self._server.url("postgres"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(sa.text(f"CREATE DATABASE {name} TEMPLATE {template}"))
        engine.dispose()
        if of:
            copytree(of.state, state)
        desk, owner = self._server.desk_url(name), self._server.url(name)
        return evolve(self._common, state=state, database_url=desk, database_owner_url=owner)


@pytest.fixture(scope="module")
def desks(postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desks]:
    postgres.create_database("runbook0")
    migrate(postgres.url("runbook0"), postgres.desk_url("runbook0"))
    with mail_server() as box, webhook() as hook:
        common = Settings(
            catalogue=FROZEN,
            settle_seconds=30, free_disk_bytes=1, alert_mail_to="operations@example.org", alert_smtp_port=box.port,
            alert_webhook=hook.url, airflow_database_url=airflow_tables(postgres),
        )  # fmt: skip
        yield Desks(postgres, tmp_path_factory.mktemp("runbook"), common)


# --- The runs --------------------------------------------------------------------------------------------------------


class World:
    """One desk, and what happens around it."""

    def __init__(self, desks: Desks, state: str, airflow_url: str) -> None:
        self._desks, self._airflow_url, self._number = desks, airflow_url, ""
        self.settings = desks.like(state)
        self._whole = self.settings
        with _book(self.settings) as book:
            for job in (INGEST, WATCH):
                book.beat(job, datetime.now(UTC))
        if state == "database gone":
            gone = re.sub(r":\d+/", f":{free_port()}/", self.settings.database_url)
            self.settings = evolve(self.settings, database_url=gone)
        if state == "store gone":
            self.settings.state.rename(self.settings.state.with_suffix(".kept"))
            self.settings.state.mkdir()
            (self.settings.state / "store").write_bytes(b"")

    def happens(self, what: str) -> None:
        """What a page says happens between two commands."""
        if what == "the database is back":
            self.settings = self._whole
        elif what == "the store is back":
            (self.settings.state / "store").unlink()
            self.settings.state.rmdir()
            self.settings.state.with_suffix(".kept").rename(self.settings.state)
        elif what == "the desk is a new one":
            self.settings = self._desks.new()
        else:
            assert not what, what

    def run(self, words: str) -> tuple[int, str]:
        """Exit code and output of a command."""
        if "NUMBER" in words:
            words = words.replace("NUMBER", self._held())
        program, *arguments = shlex.split(words)
        environment = {
            **self.settings.environment(),
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self._airflow_url}/execution/",
        }
        if program != "resultsday":
            done = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=PATIENCE, check=False)
            return done.returncode, done.stdout + done.stderr
        result = CliRunner().invoke(main, arguments, env=environment)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result.exit_code, result.output

    def _held(self) -> str:
        """The number of the held file, or of the one that was."""
        with open_desk(self.settings) as desk:
            held = desk.console.held()
        self._number = self._number if held.is_empty() else str(held["id"][0])
        return self._number


@contextmanager
def _book(settings: Settings) -> Iterator[WatchBook]:
    engine = sa.create_engine(settings.database_url)
    yield WatchBook(engine)
    engine.dispose()


@pytest.fixture(scope="module")
def airflow_url() -> Iterator[str]:
    with scheduler_beating(datetime.now(UTC) + timedelta(hours=1)) as url:
        yield url


@pytest.mark.parametrize("page", [pytest.param(page, id=page.stem) for page in PAGES])
def test_every_command_of_the_page_works(
    page: Path, desks: Desks, airflow_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("new-key.pub", "next-key.pub"):
        Path(name).write_bytes(asyncssh.generate_private_key("ssh-ed25519").export_public_key())
    [state] = re.findall(r"<!-- desk: (.+) -->", page.read_text(encoding="utf-8"))
    world = World(desks, state, airflow_url)
    run = 0
    for command in commands(page):
        if command.words in ELSEWHERE:
            continue
        world.happens(command.after)
        exit_code, output = world.run(command.words)
        assert exit_code == command.exit_code, f"{command.words}\n{output}"
        missing = [line for line in command.prints if line not in output]
        assert not missing, f"{command.words}\n{output}"
        run += 1
    assert run


def test_what_is_run_elsewhere_is_run_there() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for words, (file, name) in ELSEWHERE.items():
        assert f"def {name}(" in (ROOT / file).read_text(encoding="utf-8"), words
        target = words.removeprefix("make ")
        assert target == words or re.search(rf"^{target}:.*\n\t@\$\(BIN\)/resultsday {target}$", makefile, re.MULTILINE)
    assert set(ELSEWHERE) <= {one.words for page in PAGES for one in commands(page)}


def test_every_page_is_on_the_index_and_says_what_one_needs_to_know() -> None:
    index = (ROOT / "docs" / "runbook" / "README.md").read_text(encoding="utf-8")
    for page in PAGES:
        assert f"]({page.name})" in index
        text = page.read_text(encoding="utf-8")
        for words in ("**You see**", "**It means", "**Do**", "**It is mended when**", "**Tell "):
            assert words in text, f"{page.name}: {words}"
