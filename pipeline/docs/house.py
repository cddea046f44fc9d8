"""The house: which package, wing and module may use which. It is said here and nowhere else: a test holds every import
to it, and the architecture page is drawn from it.

A room is a wing of `pipeline/` or a module beside the wings, or a folder or a module of `infra/`.
"""

from __future__ import annotations

from collections.abc import Mapping

PACKAGES: Mapping[str, tuple[str, ...]] = {
    "dags": ("pipeline", "infra"),
    "pipeline": ("rules", "parsers", "infra", "fixtures"),
    "rules": ("parsers",),
    "infra": (),
    "parsers": (),
    "fixtures": ("parsers",),
}
"""What a package may use, besides itself and the ground floor."""

GROUND_FLOOR = ("rules.terms", "rules.frames")
"""The words and the frames that `rules`, `infra`, `pipeline` and `dags` share; they use nothing of ours."""

MAKE_UP_DATA = ("pipeline.demo",)
"""The only room that may use `fixtures`: nothing that handles real files knows the made-up season."""

KNOWS_AIRFLOW = (
    "pipeline/console/door_keeper.py",
    "pipeline/console/plugin.py",
    "pipeline/watching/status_plugin.py",
    "pipeline/season/timetable.py",
)
"""Plugins and timetables are classes of Airflow's; besides the DAGs nothing else knows it."""

ON_THE_WINGS: Mapping[str, tuple[str, ...]] = {
    "doors": ("centres", "intake", "marking", "awarding"),
    "cli": (
        "centres",
        "intake",
        "learners",
        "marking",
        "awarding",
        "results",
        "corrections",
        "season",
        "watching",
        "keeping",
        "files",
        "demo",
        "docs",
    ),
    "console": ("awarding", "centres", "intake", "learners", "results", "corrections", "season", "files", "watching"),
    "demo": ("intake", "marking", "season", "files"),
    "docs": ("doors", "watching", "files"),
}
"""What stands on the wings. Each may use the ground and what is named."""

WINGS: Mapping[str, tuple[str, ...]] = {
    "centres": (),
    "learners": (),
    "intake": (),
    "marking": ("intake",),  # what landed before a deadline is read before anything follows from it
    "awarding": (),
    "results": ("awarding",),  # late claims are awarded after results day
    "watching": ("results",),  # the guard publishes by the same function as the DAG
    "season": (),
    "corrections": ("awarding", "results"),  # it judges and publishes as they do
    "keeping": (),
    "files": (),
}
"""The wings of `pipeline/`. Each may use the ground, and another wing only where it is named here: a helper that two
wings need goes to the ground."""

GROUND: Mapping[str, tuple[str, ...]] = {
    "desk": ("steps", "catalogue_in_use", "archive"),
    "catalogue_in_use": (),
    "steps": (),
    "jobs": ("steps",),
    "archive": ("steps", "parallel"),
    "contained": (),
    "feeds": ("desk", "archive", "steps", "contained", "wording"),
    "arrived": ("desk", "feeds", "steps"),
    "register": ("desk",),
    "issued": ("parallel",),
    "holdings": ("desk", "steps", "register", "report_page"),
    "journal": ("desk", "steps", "archive", "jobs", "orders", "typed"),
    "report_classes": (),
    "approvals": ("desk", "steps", "journal"),
    "replay": ("desk", "jobs", "journal", "replayed_rows"),
    "replayed_rows": (),
    "backup": ("desk",),
    "orders": (),
    "parallel": (),
    "report_page": (),
    "typed": (),
    "wording": (),
}
"""The modules beside the wings, which know no wing, and what each may use of the others."""

INFRA: Mapping[str, tuple[str, ...]] = {
    "alive": (),
    "settings": (),
    "host": (),
    "store": ("host",),
    "notify": ("settings",),
    "airflow_api": ("settings",),
    "ledger": ("alive",),
    "landing": ("settings", "host", "store", "airflow_api", "ledger"),
    "running": ("settings", "host", "store", "airflow_api", "ledger", "landing"),
    "deploy": (),
}
"""The folders and modules of `infra/`, and what each may use of the others."""


def allowed() -> dict[str, set[str]]:
    """Every room by its dotted name, and the rooms of the same package that it may use."""
    ground = {f"pipeline.{name}" for name in GROUND}
    rooms = {f"pipeline.{name}": {f"pipeline.{used}" for used in uses} for name, uses in GROUND.items()}
    for name, uses in {**WINGS, **ON_THE_WINGS}.items():
        rooms[f"pipeline.{name}"] = ground | {f"pipeline.{used}" for used in uses}
    for name, uses in INFRA.items():
        rooms[f"infra.{name}"] = {f"infra.{used}" for used in uses}
    return rooms
