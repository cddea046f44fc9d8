"""What answers questions about Airflow as Airflow does, and says what it is told to: about its scheduler over HTTP, and
about runs and queues in its tables."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler, HTTPServer

import sqlalchemy as sa

from infra.host import LOCALHOST
from infra.running.postgres import EmbeddedPostgres

_AIRFLOW = """
    CREATE TABLE IF NOT EXISTS dag (
        dag_id text, is_paused boolean, is_stale boolean, next_dagrun_create_after timestamptz);
    CREATE TABLE IF NOT EXISTS dag_run (
        dag_id text, run_id text, state text, run_after timestamptz, start_date timestamptz, queued_at timestamptz);
    CREATE TABLE IF NOT EXISTS task_instance (
        dag_id text, run_id text, state text, queue text, queued_dttm timestamptz, start_date timestamptz,
        end_date timestamptz, last_heartbeat_at timestamptz);
    TRUNCATE dag, dag_run, task_instance;
"""


def airflow_tables(server: EmbeddedPostgres, name: str = "airflow_tables") -> str:
    """The address of a database with what the desk asks of Airflow's tables, and nothing in it. That the real ones have
    these columns is seen in tests/dags."""
    server.create_database(name)
    engine = sa.create_engine(server.url(name))
    with engine.begin() as connection:
        connection.execute(sa.text(_AIRFLOW))
    engine.dispose()
    return server.url(name)


@contextmanager
def scheduler_beating(at: datetime) -> Iterator[str]:
    """Its address; the scheduler's last sign of life was at `at`."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            assert self.path == "/api/v2/monitor/health"
            said = {"scheduler": {"status": "healthy", "latest_scheduler_heartbeat": at.isoformat()}}
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(said).encode())

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = HTTPServer((LOCALHOST, 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://{LOCALHOST}:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
