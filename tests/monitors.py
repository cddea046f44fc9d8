"""What answers a question about Airflow's health as Airflow does, on loopback, and says of its scheduler what it is
told to."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler, HTTPServer

from infra.host import LOCALHOST


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
