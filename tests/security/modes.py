"""Makes everything the desk keeps below its state folder, in a process without a umask; prints the modes as JSON.
`python -m tests.security.modes STATE`."""

from __future__ import annotations

import json
import os
import stat
import sys
from pathlib import Path

from bench.registers import register_for_tests
from infra.ledger.submissions import migrate
from infra.running import airflow_setup
from infra.running.postgres import EmbeddedPostgres
from infra.running.supervisor import _folder
from infra.settings import Settings
from pipeline.desk import open_desk
from pipeline.intake.ingest import ingest
from tests.catalogue import FROZEN
from tests.security import hostile


def main(state: Path) -> None:
    server = EmbeddedPostgres(state / "postgres", durable=False)
    try:
        server.start()
        migrate(server.url("postgres"))
        register_for_tests(server.url("postgres"))
        settings = Settings(catalogue=FROZEN, state=state, database_url=server.url("postgres"), settle_seconds=0)
        with open_desk(settings) as desk:
            for case in (*hostile.REGISTRATIONS, *hostile.IN_FIELDS[:5]):
                desk.store.put(f"inbox/{case.centre}/{case.name.decode()}", case.data)
            ingest(desk, hostile.NOW)
            for key in ("embargo/2024-06/1/manifest.json", "portal/centres/2024-06.csv", "reports/award/index.html"):
                desk.store.put(key, b"{}")
        for name in ("logs", "run"):
            _folder(settings, name)
        airflow_setup.environment(settings, database_url="", airflow_database_url="", port=1)
        kept = [path for path in state.rglob("*") if "data" not in path.relative_to(state).parts[1:2]]
        modes = {
            str(path.relative_to(state.parent)): stat.S_IMODE(path.lstat().st_mode)
            for path in [state, *kept]
            if not path.is_symlink()
        }
        modes["data"] = stat.S_IMODE((state / "postgres" / "data").stat().st_mode)
        print(json.dumps(modes))
    finally:
        server.remove()


if __name__ == "__main__":
    os.umask(0)
    main(Path(sys.argv[1]))
