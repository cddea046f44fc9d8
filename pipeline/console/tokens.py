"""What must not stand in an address (who is searched for, who may see a page with personal data) stands there sealed:
encrypted, so that it says nothing, for one person, and for a while."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha256

from attrs import frozen
from cryptography.fernet import Fernet, InvalidToken

LASTS = timedelta(hours=1)
"""After that whoever comes back is asked again. Ours."""


@frozen
class Tokens:
    """The tokens of one desk: every process that knows its secret opens them. Times are aware."""

    _fernet: Fernet

    @classmethod
    def of(cls, secret: str) -> Tokens:
        """The tokens of a secret of any length; an empty one is replaced by a new one, which ends with the process."""
        key = base64.urlsafe_b64encode(sha256(secret.encode()).digest()) if secret else Fernet.generate_key()
        return cls(Fernet(key))

    def sealed(self, kind: str, who: str, said: Mapping[str, str], now: datetime) -> str:
        """`said` for the eyes of `who`, as part of an address."""
        text = json.dumps({"kind": kind, "who": who, "said": dict(said)})
        return self._fernet.encrypt_at_time(text.encode(), int(now.timestamp())).decode().rstrip("=")

    def opened(self, kind: str, who: str, token: str, now: datetime) -> dict[str, str] | None:
        """What was sealed as this kind for this person; None for anything else, and when it is too old."""
        padded = token + "=" * (-len(token) % 4)
        try:
            text = self._fernet.decrypt_at_time(padded, int(LASTS.total_seconds()), int(now.timestamp()))
        except (InvalidToken, ValueError):
            return None
        read = json.loads(text)
        return dict(read["said"]) if (read["kind"], read["who"]) == (kind, who) else None
