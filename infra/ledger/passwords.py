"""Wrong passwords in the ledger, where every process of the API server counts them together. What they are counted for,
an address and a name, is kept as its SHA-256, and only while it makes somebody wait."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256

from sqlalchemy import Engine, text

FREE = 5
"""Wrong passwords in a row that cost nothing. Ours."""
PAUSES = (*(0.0,) * FREE, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 300.0)
"""Seconds that the next try waits after so many wrong passwords, from none; after more, as after the last. Ours."""
LONGEST = PAUSES[-1]
"""Seconds that a try waits at most, and after which wrong passwords are forgotten."""


def pause(times: int) -> float:
    """Seconds that a try waits after so many wrong passwords."""
    return PAUSES[min(times, len(PAUSES) - 1)]


# Whoever is not let in changes no row, so of many tries at the same moment no more are let in than one after another.
_PAUSE = f"make_interval(secs => (ARRAY{[*PAUSES]})[least(w.times, {len(PAUSES) - 1}) + 1])"
_TRIED = text(
    "INSERT INTO place.wrong_passwords AS w VALUES (:whose, 1, :at) ON CONFLICT (whose) DO UPDATE SET "  # noqa: S608 -- our own figures
    f"times = CASE WHEN w.last < CAST(:at AS timestamptz) - make_interval(secs => {LONGEST}) THEN 1 "
    f"ELSE w.times + 1 END, last = :at WHERE w.last + {_PAUSE} <= :at RETURNING w.times"
)
_WAITS = text(
    f"SELECT extract(epoch FROM w.last + {_PAUSE} - CAST(:at AS timestamptz)) FROM place.wrong_passwords AS w "  # noqa: S608 -- our own figures
    "WHERE w.whose = :whose"
)
_TAKEN_BACK = text("UPDATE place.wrong_passwords SET times = times - 1 WHERE whose = :whose AND times > 0")
_FORGOTTEN = text("DELETE FROM place.wrong_passwords WHERE whose = :whose")
_OLD = text(
    "DELETE FROM place.wrong_passwords WHERE whose IN (SELECT whose FROM place.wrong_passwords "  # noqa: S608 -- our own figures
    f"WHERE last < CAST(:at AS timestamptz) - make_interval(secs => {LONGEST}) ORDER BY last LIMIT 100 "
    "FOR UPDATE SKIP LOCKED)"
)


class PasswordBook:
    """Access to the wrong passwords. Instants are aware."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def tried(self, whose: str, at: datetime) -> float:
        """Counts a try as wrong before it is made, and returns 0; where it has to wait, nothing is counted, and the
        seconds are returned. What is too old to count is let go of, so that no crowd of names fills the table."""
        said = {"whose": _hashed(whose), "at": at}
        with self._engine.begin() as connection:
            if connection.execute(_TRIED, said).first() is None:
                return max(float(connection.execute(_WAITS, said).scalar() or 0.0), 0.001)
        with self._engine.begin() as connection:
            connection.execute(_OLD, {"at": at})
        return 0.0

    def taken_back(self, whose: str) -> None:
        """The try told nothing of the password: it does not count."""
        with self._engine.begin() as connection:
            connection.execute(_TAKEN_BACK, {"whose": _hashed(whose)})

    def right(self, whose: str) -> None:
        """The password was right: the wrong ones are forgotten."""
        with self._engine.begin() as connection:
            connection.execute(_FORGOTTEN, {"whose": _hashed(whose)})


def _hashed(whose: str) -> str:
    return sha256(whose.encode()).hexdigest()
