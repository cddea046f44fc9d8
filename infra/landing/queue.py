"""The bell of a store in S3: a message in an SQS queue for every file that landed.

A message is no order, it only wakes the ingest, which takes whatever lies there. So any number of them rings once, and
one that is lost costs the time until the next look by the clock.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

MOST = 10  # messages in one answer of SQS


def heard(queue: Any, url: str, ring: Callable[[], object], seconds: int = 20) -> int:
    """Waits up to `seconds` for messages at `url`, rings once for all that are there, and takes them away; how many.
    `queue`: a boto3 client of SQS. When `ring` raises they stay, and are heard again."""
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
            {"Id": str(n), "ReceiptHandle": one["ReceiptHandle"]} for n, one in enumerate(found[first : first + MOST])
        ]
        queue.delete_message_batch(QueueUrl=url, Entries=entries)
    return len(found)
