"""The ingest: every five minutes, and whenever somebody presses Trigger, everything waiting in the inbox."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import dag, get_current_context, task

from infra.settings import Settings
from pipeline.watching.callbacks import OUTLASTS, run_failed, with_its_turn
from pipeline.watching.notes import allowed, tell_run

settings = Settings.load()


def _told(done: Any) -> str:
    """Says in the run's note what it did (`IngestCounts`). Raises `NoTurnError` where it did not get its turn."""
    tell_run(get_current_context()["dag_run"], done.note())
    with_its_turn(done.kept_out)
    return allowed("ingest", done.note())


@task
def take_in() -> str:
    """One task for all files: a task for each would cost more than the work."""
    from pipeline.centres.take import take_register
    from pipeline.desk import open_desk
    from pipeline.intake.ingest import ingest as ingest_all
    from pipeline.watching.watch import INGEST

    with open_desk(Settings.load()) as desk:
        now = datetime.now(UTC)
        # A centre that has just come into the register can send its first files at once.
        take_register(desk, now)
        done = ingest_all(desk, now)
        # Only here: an ingest by hand must not hide that scheduled runs have stopped. And not by a run that did not
        # get its turn: it has taken nothing in (OPS-6).
        if not done.kept_out:
            desk.watch.beat(INGEST, now)
    return _told(done)


# Where nothing is left to others it says nothing, and they are skipped.
@task.short_circuit
def begin() -> str:
    """Takes in all files, and decides them if they are few."""
    from pipeline.centres.take import take_register
    from pipeline.desk import open_desk
    from pipeline.intake.shards import begin as begin_all
    from pipeline.watching.watch import INGEST

    with open_desk(Settings.load()) as desk:
        now = datetime.now(UTC)
        take_register(desk, now)
        done = begin_all(desk, now)
        if not done.kept_out and not done.given:
            desk.watch.beat(INGEST, now)
    said = _told(done)
    return allowed("ingest", said if done.given else "")


@task
def decide(shard: int) -> str:
    """Decides the files of a shard of centres."""
    from pipeline.desk import open_desk
    from pipeline.intake.shards import decide_share

    with open_desk(Settings.load()) as desk:
        done = decide_share(desk, shard)
    with_its_turn(done.kept_out)
    return allowed("ingest", done.note())


# What an ingest of a shard could not do is done here too.
@task(trigger_rule="all_done_min_one_success")
def finish() -> str:
    """Decides what is left, and says what all have done."""
    from pipeline.desk import open_desk
    from pipeline.intake.shards import end
    from pipeline.watching.watch import INGEST

    with open_desk(Settings.load()) as desk:
        now = datetime.now(UTC)
        done = end(desk, now)
        if not done.kept_out:
            desk.watch.beat(INGEST, now)
    return _told(done)


@dag(
    schedule="*/5 * * * *",
    start_date=datetime(2022, 9, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=False,
    dagrun_timeout=timedelta(hours=1),
    on_failure_callback=run_failed,
    default_args=dict(OUTLASTS),
    tags=["edi", "ingest"],
)
def ingest() -> None:
    """### Takes in what centres have sent

    Archives, acknowledges, decides, books and answers **every** file waiting in `inbox/<centre>/`, in batches of
    bounded size. The replies are in `outbox/<centre>/`. A file that is still growing is left for the next run.

    * **Run it now**: press *Trigger*. Two runs never work at the same time; nothing is done twice.
    * **It failed**: the database or the store was out of reach; a bad *file* never fails a run, it gets a reply. Clear
      the task. What was already archived or booked is kept, and the run goes on from there.
    * **Several at work**: with `RESULTSDAY_SHARDS`, a crowd of files is decided by several tasks at once, each for its
      centres, and what one learner has to do with at two centres by `finish`. What comes of it is the same.
    * **What happened**: the run's note and the task's log count files by outcome and findings by code. They hold no
      names.
    """

    if settings.shards == 1:
        take_in()
    else:
        begin() >> decide.expand(shard=[*range(settings.shards)]) >> finish()


ingest()
