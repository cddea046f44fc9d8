"""The pictures of docs/console.md: `python -m tests.console.screenshots`, about three minutes.

A desk of its own, with the ledger of a made-up country (`bench/country.py`), a made-up season on top of it up to 7 May
2024 and a few held files. All people in the pictures are made up.
"""

from __future__ import annotations

import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa
from attrs import evolve
from playwright.sync_api import Browser, Page

from bench.country import fill
from fixtures.season import season
from infra.running.airflow_setup import passwords
from infra.running.postgres import EmbeddedPostgres
from infra.running.supervisor import RunningDesk, down, up
from infra.settings import Settings
from pipeline.demo.rehearsal import happen
from pipeline.desk import open_desk
from pipeline.intake.ingest import ingest
from tests import browser as browsers
from tests.console import scene

IMAGES = Path(__file__).parents[2] / "docs" / "images"
AS_OF = datetime(2024, 5, 7, 10, tzinfo=UTC)
SIZE = {"width": 1180, "height": 760}
LARGEST = 150_000
NAMED = "?series=2024-06"


def main() -> None:
    """Starts the desk, fills it, takes the pictures, ends the desk."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(state=Path(folder), settle_seconds=0, sftp_port=0, ui_port=0)
        try:
            desk = up(settings, print)
            numbers = _furnish(settings, desk)
            with browsers.running() as browser:
                for scheme in ("light", "dark"):
                    _take(browser, desk, passwords(settings)["admin"], scheme, numbers)
        finally:
            down(settings, print)
            EmbeddedPostgres(settings.state / "postgres").remove()
    too_large = [path.name for path in IMAGES.glob("console-*.png") if path.stat().st_size > LARGEST]
    sys.exit(f"larger than {LARGEST:,} bytes: {too_large}" if too_large else 0)


def _furnish(settings: Settings, desk: RunningDesk) -> dict[str, int]:
    """The numbers of a file with findings and of a held one."""
    fill(desk.environment["RESULTSDAY_DATABASE_OWNER_URL"])
    furnished = scene.furnish(settings, desk)
    with open_desk(evolve(settings, database_url=desk.database_url)) as opened:
        made = season(1)
        for event in made.events:
            if event.at < AS_OF and event.kind in ("file", "portal"):
                happen(opened, made, event)
        ingest(opened, AS_OF)
        with opened.ledger.engine.connect() as connection:
            wanted = "SELECT max(submission_id) FROM findings WHERE code = 'NAME_MISMATCH' AND line IS NOT NULL"
            return {"mismatch": connection.execute(sa.text(wanted)).scalar_one(), "held": furnished.twice}


def _take(browser: Browser, desk: RunningDesk, password: str, scheme: str, numbers: dict[str, int]) -> None:
    context = browser.new_context(
        base_url=desk.ui_url, color_scheme="dark" if scheme == "dark" else "light",
        viewport={"width": SIZE["width"], "height": SIZE["height"]},
    )  # fmt: skip
    context.set_default_timeout(60_000)
    page = context.new_page()
    page.goto("/resultsday/")
    page.fill("input[name=username]", "admin")
    page.fill("input[name=password]", password)
    page.click("button[type=submit]")
    page.wait_for_url("**/resultsday/")
    for name, path in {
        "season": f"{NAMED}&on=2024-05-07",
        "centres": f"centres{NAMED}",
        "work": f"work{NAMED}",
        "centre": f"centres/10009{NAMED}",
        "file": f"files/{numbers['mismatch']}",
        "quarantine": f"files/{numbers['held']}",
    }.items():
        page.goto(f"/resultsday/{path}")
        _picture(page, f"console-{name}-{scheme}")
    page.set_viewport_size({"width": SIZE["width"], "height": 560})
    page.goto("/")
    page.get_by_role("link", name="Resultsday").first.click()
    inside = page.frame_locator("iframe")
    inside.get_by_role("link", name="Quarantine", exact=True).click()
    inside.get_by_text("SECOND_ENTRY_FILE").first.wait_for()
    _picture(page, f"console-airflow-{scheme}")
    context.close()


def _picture(page: Page, name: str) -> None:
    IMAGES.mkdir(exist_ok=True)
    page.screenshot(path=IMAGES / f"{name}.png", animations="disabled")


if __name__ == "__main__":
    main()
