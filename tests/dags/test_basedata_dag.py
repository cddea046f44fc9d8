"""The DAG of the basedata in the real Airflow: a series near its window is published, once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from infra.airflow_api import AirflowApi
from infra.running.supervisor import RunningDesk
from infra.settings import Settings
from infra.store import open_store
from tests.patience import PATIENCE


def test_cal_1_a_series_near_its_window_is_published_once(desk: RunningDesk, desk_settings: Settings) -> None:
    calendar = desk_settings.catalogue / "calendar.csv"
    before = calendar.read_text(encoding="utf-8")
    opens = datetime.now(UTC).date() + timedelta(days=10)
    dates = {"window_opens": f"{opens},00:00", "window_closes": f"{opens + timedelta(days=90)},24:00"}
    rows = [f"2098-06,{event},*,{day},N,2022-07-01,Y,ours: for a test\n" for event, day in dates.items()]
    try:
        calendar.write_text(before + "".join(rows), encoding="utf-8")
        with AirflowApi(desk.ui_url, desk.username, desk.password) as api:
            api.wait_until_known("basedata", PATIENCE)
            # A desk that has just come up makes the last night's run up by itself, perhaps before this one.
            runs = [api.trigger("basedata") for _ in range(2)]
            assert [api.wait("basedata", run, PATIENCE) for run in runs] == ["success", "success"]
            note = api.run("basedata", runs[1])["note"]
        assert "Basedata 2098-06 (6B98): version 1 is still the latest; S 9, O 35, C 26, L 26." in note
        store = open_store(desk_settings.store_location)
        assert len(list(store.list("basedata/2098-06/"))) == 6
    finally:
        calendar.write_text(before, encoding="utf-8")
