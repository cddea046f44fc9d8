"""How connections to PostgreSQL notice that the other side is gone (OPS-6): ours, and Airflow's own, which reads the
two names below as its arguments for connections. Every process of Airflow imports this, before anything else of ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

CONNECT_SECONDS = 10
"""Ours: a server that takes longer to take a connection is an outage."""
_SERVER = {
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "30000",
    "client_connection_check_interval": "5000",
}
"""By default a server notices after two hours that a client's machine is gone, and keeps its locks until then; in the
middle of a query, not before its end."""

SYNC: Mapping[str, Any] = {
    "connect_timeout": CONNECT_SECONDS,
    "keepalives": 1, "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 30_000,
    "options": " ".join(f"-c {name}={value}" for name, value in _SERVER.items()),
}  # fmt: skip
"""For psycopg2."""
ASYNC: Mapping[str, Any] = {"timeout": CONNECT_SECONDS, "server_settings": _SERVER}
"""For asyncpg, by which Airflow's API server answers some requests."""
