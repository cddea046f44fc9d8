"""Who can look at what the desk keeps: modes of folders and files whatever the umask, the embargo as another user."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.store import WHOLE, FolderStore
from pipeline.awarding.preview import preview
from pipeline.desk import Desk
from pipeline.results.release import ReleaseError, approve, release
from tests.pipeline import results_season
from tests.pipeline.results_season import (
    APPROVED,
    BUILT,
    SECOND,
    TO_CENTRES,
    TO_LEARNERS,
    WHO,
    WHY,
    awarded,
    build,
    series,
)

ROOT = Path(__file__).parents[2]
WRITABLE_BY_OTHERS = 0o022
NOBODY = 65534


@pytest.fixture(scope="module")
def modes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    """The modes of everything below `var`, made by a process with umask 0."""
    state = tmp_path_factory.mktemp("modes") / "var"
    made = subprocess.run(
        [sys.executable, "-m", "tests.security.modes", str(state)], cwd=ROOT, capture_output=True, text=True,
        check=False, timeout=120,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr[-2000:]
    found: dict[str, int] = json.loads(made.stdout.splitlines()[-1])
    return found


def below(modes: dict[str, int], place: str) -> dict[str, int]:
    return {path: mode for path, mode in modes.items() if path.startswith(f"{place}/")}


def test_nothing_below_var_can_be_written_by_others(modes: dict[str, int]) -> None:
    behind_a_closed_door = ("var/airflow/", "var/logs/", "var/run/")
    open_ones = {path: mode for path, mode in modes.items() if not path.startswith(behind_a_closed_door)}
    assert len(open_ones) > 20
    assert {path: oct(mode) for path, mode in open_ones.items() if mode & WRITABLE_BY_OTHERS} == {}


def test_the_store_is_for_the_desk_and_its_group(modes: dict[str, int]) -> None:
    assert modes["var/store"] == 0o750
    assert len(below(modes, "var/store")) > 20
    for path, mode in below(modes, "var/store").items():
        private = path in ("var/store/.tmp", "var/store/embargo")
        # The mark of a file that is whole gives nobody a right.
        assert mode & ~WHOLE in ((0o700,) if private else (0o750, 0o640)), path


def test_what_is_secret_is_for_the_desk_alone(modes: dict[str, int]) -> None:
    for path in ("var/airflow", "var/logs", "var/run", "data", "var/store/.tmp", "var/store/embargo"):
        assert modes[path] == 0o700, path
    for path in ("var/airflow/passwords.json", "var/airflow/secrets.json", "var/postgres/password",
                 "var/postgres/postgres.log"):  # fmt: skip
        assert modes[path] == 0o600, path


# --- The embargo -----------------------------------------------------------------------------------------------------


@pytest.fixture
def open_road() -> Iterator[Path]:
    """A folder that every user can reach, as tests' own are not."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


PEEP = """
import os, sys
os.setgroups([]); os.setgid(int(sys.argv[2])); os.setuid(int(sys.argv[2]))
try:
    print(open(sys.argv[1]).read())
except OSError as error:
    print(type(error).__name__)
"""


def test_res_2_another_user_cannot_read_what_is_under_embargo(open_road: Path) -> None:
    store = FolderStore(open_road / "store")
    store.put("embargo/2024-06/1/outbox/64123/R6412315.X01", b"results")
    store.root.chmod(0o755)  # as generous as a careless operator
    path = store.root / "embargo" / "2024-06" / "1" / "outbox" / "64123" / "R6412315.X01"
    assert (store.root / "embargo").stat().st_mode & 0o077 == 0
    if os.geteuid() == 0:  # only root can become somebody else
        seen = subprocess.run(
            [sys.executable, "-c", PEEP, str(path), str(NOBODY)], capture_output=True, text=True, check=True
        )
        assert seen.stdout.strip() == "PermissionError"


PLACES = ("outbox/", "portal/", "inbox/", "basedata/")
"""What centres and the portal can reach; `reports/` is for staff."""


def reachable(desk: Desk) -> dict[str, bytes]:
    return {
        stored.key: desk.store.get(stored.key)
        for place in PLACES
        for stored in desk.store.list(place)
        if stored.kind == "file"
    }


def test_res_2_nothing_a_centre_can_reach_says_a_result_before_the_instant(work: Desk) -> None:
    """Every grade of the series is looked for in every file outside embargo and reports, and no file changes."""
    awarding = awarded(work)
    of = work.results.frames(awarding, only=("results", "awards"))
    said = {
        str(grade).encode() for frame in of.values() for grade in frame["grade"].drop_nulls() if len(str(grade)) > 2
    }
    assert said
    before = reachable(work)
    built = build(work, awarding, BUILT).awarding
    preview(work, built)
    approve(work, built, WHO, WHY, APPROVED)
    with pytest.raises(ReleaseError, match="under embargo"):
        release(work, series(work), "centres", TO_CENTRES - SECOND)
    assert reachable(work) == before
    told = [key for key, data in before.items() if any(grade in data for grade in said)]
    assert told == []
    release(work, series(work), "centres", TO_CENTRES)
    with pytest.raises(ReleaseError, match="under embargo"):
        release(work, series(work), "learners", TO_LEARNERS - SECOND)
    out = reachable(work).keys() - before.keys()
    assert out
    assert not [key for key in out if "learners" in key]
    assert results_season.outside(work)
