"""A store in an S3 bucket."""

from __future__ import annotations

import io
import os
import secrets
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

from attrs import evolve
from botocore.exceptions import ClientError

from infra.store.contract import THREADS, TRIES, BadKey, Kind, Missing, Stored, StoreError
from infra.store.identity import IDENTITY, PROBES, identity_of, not_ours
from infra.store.keys import file_key, parts_of, unfinished
from infra.store.streams import reader, rewindable, telling

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import HeadObjectOutputTypeDef

CONNECT_SECONDS, ANSWER_SECONDS = 5, 20
"""How long S3 may take to be reached, and to say anything more. It is asked three times; with boto3's own minute for
each, a job hung for minutes before it told anybody."""
AT_ONCE = 1000
"""Objects that S3 removes with one request."""
WORTH_A_TRIAL = 100
"""From so many on, it is worth the requests to find out whether a server can."""
_LOSES = "files would be lost in silence. Use another server, or another version of it (docs/production.md)"
_NO_ETAG = f'"{32 * "0"}"'
"""No object has this ETag."""
_CHANGED = ("ConditionalRequestConflict", "NoSuchKey", "PreconditionFailed")
"""What S3 says of an object that is not the one that was meant, or gone."""


class S3Store:
    """A store in an S3 bucket, below a prefix; credentials, region and endpoint come from boto3's own chain."""

    def __init__(
        self, bucket: str, prefix: str = "", *, identity: str | None = None, threads: int = THREADS, hurry: int = 0
    ) -> None:
        """With an `identity` the bucket is asked once whether it is that store: nobody unmounts a bucket. `hurry`: see
        `open_store`."""
        import boto3  # imported here: it takes longer than most commands on a folder do
        from botocore.config import Config

        self.bucket, self.threads = bucket, threads
        self.base = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        # S3 servers other than Amazon's rarely have a host name for every bucket.
        elsewhere = any(os.environ.get(name) for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"))
        style: Literal["path", "auto"] = "path" if elsewhere else "auto"
        with telling(self, "open it"):
            self.client: S3Client = boto3.session.Session().client(
                "s3",
                config=Config(
                    retries={"mode": "standard", "total_max_attempts": 1} if hurry else {"mode": "standard"},
                    s3={"addressing_style": style}, max_pool_connections=threads + 2,
                    connect_timeout=hurry or CONNECT_SECONDS, read_timeout=hurry or ANSWER_SECONDS,
                ),
            )  # fmt: skip
        self.client.meta.events.register_last("before-call.s3", _sends_what_is_small)
        self._removes_at_once: bool | None = None
        if identity is not None and (found := identity_of(self)) != identity:
            raise not_ours(self, found)

    def list(self, prefix: str) -> Iterator[Stored]:
        """See `Store.list`."""
        if prefix:
            self._object(prefix)
        return self._pages(prefix)

    def _pages(self, prefix: str) -> Iterator[Stored]:
        with telling(self, f"list {prefix!r}"):
            pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=self.base + prefix)
            for page in pages:
                for found in page.get("Contents", ()):
                    key = found["Key"].removeprefix(self.base)
                    if key and key != IDENTITY:
                        yield _listed(key, found["Size"], found["LastModified"], found["ETag"])

    def get(self, key: str) -> bytes:
        """See `Store.get`."""
        with self.open(key) as file:
            return file.read()

    def open(self, key: str) -> BinaryIO:
        """See `Store.open`."""
        name = self._object(file_key(key))
        with telling(self, f"read {key!r}"):
            try:
                body = self.client.get_object(Bucket=self.bucket, Key=name)["Body"]
            except ClientError as error:
                if _gone(error):
                    raise Missing(f"{self}: there is no file {key!r}") from None
                raise
        return reader(body, lambda: telling(self, f"read {key!r}"))

    def put(self, key: str, data: bytes | BinaryIO) -> None:
        """See `Store.put`."""
        name = self._object(file_key(key))
        with telling(self, f"write {key!r}"), rewindable(data) as body:
            self.client.put_object(Bucket=self.bucket, Key=name, Body=body)

    def put_if_absent(self, key: str, data: bytes | BinaryIO) -> bool:
        """See `Store.put_if_absent`."""
        name = self._object(file_key(key))
        with telling(self, f"write {key!r}"), rewindable(data) as body:
            tries = TRIES
            while True:
                body.seek(0)
                try:
                    self.client.put_object(Bucket=self.bucket, Key=name, Body=body, IfNoneMatch="*")
                    return True
                except ClientError as error:
                    if _status(error) == 412:
                        return False
                    # 409: another write of this key was under way. It may have failed, so we cannot say that the file
                    # is there; the next try will tell.
                    tries -= 1
                    if _status(error) != 409 or not tries:
                        raise

    def put_all(self, files: Sequence[tuple[str, bytes]], *, absent: bool = False) -> Sequence[bool]:
        """See `Store.put_all`."""
        for key, _ in files:
            self._object(file_key(key))

        def put(file: tuple[str, bytes]) -> bool:
            if absent:
                return self.put_if_absent(*file)
            self.put(*file)
            return True

        with ThreadPoolExecutor(self.threads) as pool:
            return list(pool.map(put, files))

    def move(self, source: str, target: str) -> None:
        """See `Store.move`. A folder's marker moves without the folder's files."""
        source_name, target_name = self._object(source), self._object(target)
        with telling(self, f"move {source!r}"):
            for _ in range(TRIES):
                found = self._look(source)
                if not found:
                    if not self._look(target):
                        raise Missing(f"{self}: there is neither {source!r} nor {target!r}")
                    return
                if source_name == target_name:
                    return
                try:
                    self.client.copy({"Bucket": self.bucket, "Key": source_name}, self.bucket, target_name)
                except ClientError as error:
                    if _gone(error):
                        continue
                    raise
                # Delete only what was copied; what was written under that name meanwhile is copied in the next round.
                if self._delete(found):
                    return
        raise StoreError(f"{self}: cannot move {source!r}: it keeps changing")

    def remove(self, stored: Stored) -> bool:
        """See `Store.remove`."""
        self._object(stored.key)
        with telling(self, f"remove {stored.key!r}"):
            if stored.version:
                return self._delete(stored)  # the condition says all that a look would
            today = self._look(stored.key)
            return today is not None and stored.unchanged(today) and self._delete(today)

    def remove_all(self, found: Sequence[Stored]) -> Sequence[bool]:
        """See `Store.remove_all`. A thousand by one request, where the server keeps the condition on each of them."""
        for stored in found:
            self._object(stored.key)
        if len(found) < WORTH_A_TRIAL or not all(stored.version for stored in found) or not self._can_remove_at_once():
            with ThreadPoolExecutor(self.threads) as pool:
                return list(pool.map(self.remove, found))
        groups = [found[start : start + AT_ONCE] for start in range(0, len(found), AT_ONCE)]
        with ThreadPoolExecutor(self.threads) as pool:
            return [done for group in pool.map(self._remove_at_once, groups) for done in group]

    def _remove_at_once(self, found: Sequence[Stored]) -> Sequence[bool]:
        names = [self._object(stored.key) for stored in found]
        with telling(self, f"remove {len(found)} objects"):
            said = self.client.delete_objects(
                Bucket=self.bucket,
                Delete={
                    "Objects": [
                        {"Key": name, "ETag": stored.version} for name, stored in zip(names, found, strict=True)
                    ]
                },
            )
        refused = {error.get("Key", ""): error.get("Code", "") for error in said.get("Errors", ())}
        if wrong := sorted({code for code in refused.values() if code not in _CHANGED}):
            raise StoreError(f"{self}: cannot remove {len(refused)} objects: {', '.join(wrong)}")
        return [name not in refused for name in names]

    def _can_remove_at_once(self) -> bool:
        """Whether the server keeps the condition on each of many objects. One that ignores it would lose what a centre
        has sent again under the same name, so it is tried, once, on an object of its own."""
        if self._removes_at_once is None:
            key = f"{PROBES}{secrets.token_hex(8)}"
            self.put(key, b"tried")
            with telling(self, f"remove {key!r}"):
                found = self._look(key)
                try:
                    there = found is not None and self._remove_at_once([evolve(found, version=_NO_ETAG)]) == [False]
                except StoreError:
                    there = False
                self._removes_at_once = there and self._look(key) is not None
                self.client.delete_object(Bucket=self.bucket, Key=self._object(key))
        return self._removes_at_once

    def settled(self, stored: Stored, now: datetime, seconds: int) -> bool:
        """See `Store.settled`."""
        return not unfinished(stored.key)

    def locked(self, key: str, now: datetime) -> bool:
        """See `Store.locked`. Deleting a locked object in a bucket with versions would hide it all the same."""
        with telling(self, f"look at {key!r}"):
            found = self._head(key)
        if found is None:
            return False
        until = found.get("ObjectLockRetainUntilDate")
        return found.get("ObjectLockLegalHoldStatus") == "ON" or (until is not None and until > now)

    def proof(self, key: str) -> str:
        """See `Store.proof`. A server that ignores a condition says yes to everything, and loses files in silence."""
        said = secrets.token_bytes(16)
        if not self.put_if_absent(key, said):
            return "a new object cannot be written"
        try:
            if self.put_if_absent(key, b"other"):
                return f"the server ignores If-None-Match: {_LOSES}"
            found = self._look(key)
            if found is None or self.get(key) != said:
                return "the store does not give back what was written"
            if self._delete(evolve(found, version=_NO_ETAG)) or self._look(key) is None:
                return f"the server ignores If-Match: {_LOSES}"
            return ""
        finally:
            with telling(self, f"remove {key!r}"):
                self.client.delete_object(Bucket=self.bucket, Key=self._object(key))

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.base}"

    def _object(self, key: str) -> str:
        """The full name of the object in the bucket."""
        parts_of(key)
        try:
            length = len((self.base + key).encode())
        except UnicodeEncodeError:
            raise BadKey(f"key {key!r} cannot be written as UTF-8") from None
        if length > 1024:
            raise BadKey(f"key {key[:40]!r}… is longer than S3 allows")
        return self.base + key

    def _look(self, key: str) -> Stored | None:
        """What is at `key`, if anything."""
        found = self._head(key)
        return _listed(key, found["ContentLength"], found["LastModified"], found["ETag"]) if found else None

    def _head(self, key: str) -> HeadObjectOutputTypeDef | None:
        """What S3 says of an object without sending it; None when it is gone."""
        try:
            return self.client.head_object(Bucket=self.bucket, Key=self._object(key))
        except ClientError as error:
            if _gone(error):
                return None
            raise

    def _delete(self, found: Stored) -> bool:
        """Delete the object if it is still the one that was found; False when it has changed, or is gone."""
        try:
            self.client.delete_object(Bucket=self.bucket, Key=self._object(found.key), IfMatch=found.version)
        except ClientError as error:
            if _gone(error) or _status(error) in (409, 412):
                return False
            raise
        return True


def _sends_what_is_small(params: dict[str, Any], **_: object) -> None:
    """boto3 asks S3 before each write whether it may send, and waits for the answer: every write would go there and
    back twice. Of what is in memory nothing is won by it."""
    if isinstance(params.get("body"), io.BytesIO):
        params["headers"].pop("Expect", None)


def _listed(key: str, size: int, modified: datetime, etag: str) -> Stored:
    """An object in S3, to whole seconds: a listing may give fractions, the headers of an object never do."""
    kind: Kind = "file"
    if key.endswith("/"):
        kind = "folder" if size == 0 else "other"
    try:
        parts_of(key)
    except BadKey:
        kind = "other"
    return Stored(key, size, modified.astimezone(UTC).replace(microsecond=0), kind, etag)


def is_denied(error: Exception) -> bool:
    """Whether the store has refused this process, and not everybody: its identity has no right to what it asked for."""
    return isinstance(error, PermissionError) or (isinstance(error, ClientError) and _status(error) == 403)


def _status(error: ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def _gone(error: ClientError) -> bool:
    return _status(error) == 404 and error.response.get("Error", {}).get("Code") != "NoSuchBucket"
