"""The award in the real Airflow: what waits for people, and what comes of what they decide in the console."""

from __future__ import annotations

from bench.ledgers import rewritten
from infra.ledger import tables as t
from pipeline.desk import Desk
from tests.dags.awarding import put_forward, states
from tests.dags.conftest import CENTRE, SERIES, Visitor
from tests.patience import PATIENCE
from tests.pipeline.results_of import BOUNDARIES, feed


def test_awd_1_res_2_ops_4_nothing_is_approved_but_by_a_person_in_the_console(
    visitors: dict[str, Visitor], ledger: Desk
) -> None:
    admin, api = visitors["admin"], visitors["admin"].api
    ledger.store.put("feeds/boundaries/dag.csv", feed(dict.fromkeys(("BEN01", "BEN02", "BEN03"), BOUNDARIES), SERIES))
    run = api.trigger("award", {"series": SERIES})
    asked = put_forward(api, ledger, run, "boundaries_decided")
    shown = admin.asks("GET", f"/resultsday/approvals/{asked.id}").text
    assert "L2D 48, L2M 42, L2P 36, L1D 30, L1M 24, L1P 18 of 60 raw marks [placeholder]" in shown
    assert asked.sha256 in shown
    assert ledger.results.conversions(SERIES) == []
    assert admin.says(asked.id, "approve", "the awarding meeting's", asked.sha256).status_code == 303

    asked = put_forward(api, ledger, run, "results_decided")
    awarding = ledger.results.newest(SERIES)
    assert awarding
    assert (awarding.state, asked.subject) == ("built", f"{SERIES} version {awarding.version}")
    shown = admin.asks("GET", f"/resultsday/approvals/{asked.id}").text
    assert "2 awarded of 2" in shown
    page = f"reports/award/{SERIES}/{awarding.version}/index.html"
    for words in (awarding.sha256, str(awarding.manifest_sha256), asked.sha256, page):
        assert words in shown
    assert admin.asks("GET", f"/resultsday/{page}").content == ledger.store.get(page)
    assert admin.says(asked.id, "reject", "a boundary is wrong", asked.sha256).status_code == 303

    assert api.wait("award", run, PATIENCE) == "success"
    withdrawn = ledger.results.newest(SERIES)
    assert withdrawn
    assert (withdrawn.state, withdrawn.decided_by, withdrawn.why) == ("withdrawn", "admin", "a boundary is wrong")

    # Once more: the boundaries are approved, so nobody is asked about them again.
    run = api.trigger("award", {"series": SERIES})
    asked = put_forward(api, ledger, run, "results_decided")
    assert states(api, run)["boundaries_decided"] == "skipped"
    assert admin.says(asked.id, "approve", "as previewed", asked.sha256).status_code == 303
    assert api.wait("award", run, PATIENCE) == "success"
    approved = ledger.results.newest(SERIES)
    assert approved
    assert (approved.version, approved.state, approved.sha256) == (awarding.version + 1, "approved", awarding.sha256)
    assert (approved.decided_by, approved.why) == ("admin", "as previewed")

    done = ledger.actions.everything("").filter(series=SERIES).select("action", "who", "why").rows()
    assert done == [
        ("results_approved", "admin", "as previewed"),
        ("results_withdrawn", "admin", "a boundary is wrong"),
        ("boundaries_approved", "admin", "the awarding meeting's"),
    ]

    # Approved results are left alone.
    run = api.trigger("award", {"series": SERIES})
    assert api.wait("award", run, PATIENCE) == "success"
    assert set(states(api, run).values()) == {"skipped"}
    assert ledger.results.newest(SERIES) == approved


def test_awd_1_a_missing_table_ends_the_run_at_once(visitors: dict[str, Visitor], ledger: Desk) -> None:
    api = visitors["admin"].api
    with rewritten(ledger.settings.owner_url, ledger.store) as connection:
        moved = {"series": "2023-06"}
        for table in (t.entries, t.marks, t.cohorts):
            connection.execute(table.update().where(table.c.centre == CENTRE).values(moved))
    try:
        run = api.trigger("award", {"series": "2023-06"})
        assert api.wait("award", run, PATIENCE) == "failed"
        assert states(api, run)["award_series"] == "failed"
        assert "no approved conversion table for BEN01 in 2023-06" in api.log("award", run, "award_series")
        assert ledger.results.newest("2023-06") is None
    finally:
        with rewritten(ledger.settings.owner_url, ledger.store) as connection:
            for table in (t.entries, t.marks, t.cohorts):
                connection.execute(table.update().where(table.c.centre == CENTRE).values(series=SERIES))


def test_the_ui_shows_when_results_are_awarded_next(visitors: dict[str, Visitor]) -> None:
    assert (
        visitors["admin"].api.dag("award")["timetable_summary"]
        == "results_to_centres of every exam series, 7 days before"
    )
