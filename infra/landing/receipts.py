"""The receipt: what a sender finds in its outbox the moment a file has landed, before the desk has looked at it.

It is the *received* part of the reply (FIL-1), under a name that follows the file's: no number of a reply is used, so
none can meet another. A receipt that is written twice says the same; one that is lost makes no difference, as the
reply says it again.
"""

from __future__ import annotations

import logging
import re
from datetime import datetime
from zoneinfo import ZoneInfo

from infra.landing.paths import INBOX, OUTBOX, Place
from infra.landing.uploads import Landed
from infra.store import Store, StoreError
from rules import terms

log = logging.getLogger(__name__)

LONDON = ZoneInfo("Europe/London")
_LONGEST = 100


def give_receipt(store: Store, centre: str, where: Place, landed: Landed, at: datetime) -> None:
    """Puts the receipt for a file that landed in the inbox at `at` (aware) into its sender's outbox. Never raises for a
    store that fails: the file is received all the same."""
    if where.area != INBOX or not landed.fresh:
        return
    name = terms.RECEIVED + re.sub(r"[^A-Za-z0-9._() -]", "_", where.name)[:_LONGEST] + ".txt"
    try:
        store.put(f"{OUTBOX}/{centre}/{name}", _text(centre, where.name, landed, at))
    except (OSError, StoreError) as error:
        log.warning("no receipt centre=%s (%s)", centre, type(error).__name__)


def _text(centre: str, name: str, landed: Landed, at: datetime) -> bytes:
    local = at.astimezone(LONDON)
    lines = [
        f"RECEIPT for centre {centre}",
        "",
        "RECEIVED",
        f"  File        {name.encode('ascii', 'backslashreplace').decode('ascii')}",
        f"  Size        {landed.size:,} bytes",
        f"  SHA-256     {landed.sha256}",
        f"  Time        {local.day} {local:%B %Y %H:%M:%S %Z}",
        "",
        "The reply follows in this folder within a minute or so; index.html says under which name.",
        "",
    ]
    return "\r\n".join(lines).encode("ascii")
