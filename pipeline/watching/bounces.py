"""Mails to centres that came back (OPS-10): a report of a mail server on its delivery (RFC 3464), as it lies in the
mailbox from which the desk sends."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from email import message_from_bytes, policy
from email.message import Message

from pipeline.desk import Desk
from pipeline.watching.telling import message_id

_RETURNED = ("text/rfc822-headers", "message/rfc822-headers", "message/rfc822", "message/global")
"""The part of a report that holds the mail it is about, or the head of it."""
_STATUS = re.compile(r"[0-9]\.[0-9]{1,3}\.[0-9]{1,3}")


def came_back(desk: Desk, mail: bytes, now: datetime) -> list[str]:
    """OPS-10: the centres to which a message has come back by what `mail` says, received at `now` (aware): what stood
    in it waits again, and they are on the work list. None for a mail that is no report, or of a message that is only
    late, or that does not return the head of a message of ours whose files are told: anybody can write a report, and
    one that was handed in before says nothing new."""
    parsed = message_from_bytes(mail, policy=policy.compat32)
    failed, returned = dict(_failed(parsed)), "\n".join(_returned(parsed))
    centres = []
    for number, told in desk.register.told().items():
        if status := failed.get(told.to.casefold()):
            sent = next((at for at in desk.told.times(number) if message_id(number, at) in returned), None)
            if sent and desk.told.came_back(number, sent, now, f"came back: {status}"):
                centres.append(number)
    return centres


def _failed(mail: Message) -> Iterator[tuple[str, str]]:
    """The addresses to which a mail was not delivered, in small letters, each with the status of its report."""
    for part in mail.walk():
        if part.get_content_type() != "message/delivery-status" or not part.is_multipart():
            continue
        for block in part.get_payload():
            if isinstance(block, Message) and str(block["Action"]).strip().casefold() == "failed":
                status = _STATUS.search(str(block["Status"]))
                for header in ("Final-Recipient", "Original-Recipient"):
                    _, _, address = str(block[header] or "").partition(";")
                    if address:
                        yield address.strip().casefold(), status[0] if status else "undeliverable"


def _returned(mail: Message) -> Iterator[str]:
    """What names the mail that a report is about: its Message-ID, or a head that came as text."""
    for part in mail.walk():
        if part.get_content_type() in _RETURNED:
            if part.is_multipart():
                yield from (str(inner["Message-ID"]) for inner in part.get_payload() if isinstance(inner, Message))
            else:
                head = part.get_payload(decode=True)
                yield head.decode("ascii", "replace") if isinstance(head, bytes) else ""
