"""The bell of a store in S3: a message in an SQS queue for every file that landed.

A message only wakes the ingest, which takes in whatever has landed. So any number of messages rings once, and a lost
message costs no more than the time until the next sweep.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

MOST = 10  # messages in one answer of SQS


def heard(queue: Any, url: str, ring: Callable[[], object], seconds: int = 20) -> int:
    """Waits up to `seconds` for messages at `url`, rings once for all of them, deletes them and returns how many there
    were. `queue`: a boto3 client of SQS. When `ring` raises, the messages stay and are heard again."""
    found: list[dict[str, Any]] = []
    wait = seconds
    while got := queue.receive_message(QueueUrl=url, MaxNumberOfMessages=MOST, WaitTimeSeconds=wait).get("Messages"):
        found += got
        wait = 0
        if len(found) >= 100 * MOST:
            break
    if found:
        ring()
    for first in range(0, len(found), MOST):
        entries = [
            {"Id": str(n), "ReceiptHandle": message["ReceiptHandle"]}
            for n, message in enumerate(found[first : first + MOST])
        ]
        queue.delete_message_batch(QueueUrl=url, Entries=entries)
    return len(found)
