"""How often the ingest asks a store in S3, where each request costs the way there and back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from attrs import evolve
from botocore.model import OperationModel

from infra.settings import Settings
from infra.store import S3Store
from pipeline.desk import open_desk
from pipeline.intake.ingest import ingest
from tests.instruments import at_port, new_bucket, s3_server
from tests.support import centre_file, name_of, registration_file

CENTRES = ("20010", "20011", "20012", "20013", "20014", "20015", "20016", "20017")
MOST = 5
"""Requests for a file: it is read, archived and acknowledged; its twin and its reply are put. All files of a batch are
taken out with one more, or with one each by a server that does not keep the condition on them."""
TRIAL = 5
"""Requests, once in a run, to find out whether it does: an object is put, tried, looked at twice and removed."""
INDEX = 2
"""Requests for each centre in a batch, whatever it has sent: the index of its outbox, as CSV and as a page."""


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with s3_server(tmp_path_factory.mktemp("s3") / "moto.log") as port, pytest.MonkeyPatch.context() as patch:
        at_port(patch, port)
        yield new_bucket("requests")


@pytest.mark.parametrize("keeps", [True, False], ids=["as S3 does", "a server that ignores the condition"])
def test_a_file_in_s3_costs_five_requests_and_many_are_under_way_at_a_time(
    fresh: Settings, bucket: str, monkeypatch: pytest.MonkeyPatch, keeps: bool
) -> None:
    asked: Counter[str] = Counter()
    monkeypatch.setattr("infra.store.s3.WORTH_A_TRIAL", len(CENTRES))

    def count(model: OperationModel, params: dict[str, Any], **_: object) -> None:
        place = params["url_path"]
        asked.update(["index" if "/index." in place else "trial" if "/probes/" in place else model.name])

    def ignore(params: dict[str, Any], **_: object) -> None:
        for each in params["Delete"]["Objects"]:
            del each["ETag"]

    with open_desk(evolve(fresh, store=f"{bucket}/{keeps}", store_threads=3)) as desk:
        assert isinstance(desk.store, S3Store)
        assert desk.store.threads == 3
        files = [(centre, registration_file(centre)) for centre in CENTRES]
        # One of the centres sends a second file.
        amendment = centre_file(("BEN22",), letter="A", centre=CENTRES[0], series="9B23", body="13", sequence=2)
        files.append((CENTRES[0], amendment))
        for centre, data in files:
            desk.store.put(f"inbox/{centre}/{name_of(data)}", data)
        events = desk.store.client.meta.events
        events.register("before-call.s3", count, unique_id="counted")
        if not keeps:
            events.register("before-parameter-build.s3.DeleteObjects", ignore)
        done = ingest(desk, datetime.now(UTC) + timedelta(minutes=1))
    assert done.outcomes.total() == done.received == len(files)
    assert asked.pop("index") == INDEX * len(CENTRES)
    assert asked.pop("trial") < TRIAL  # the one that tries is not told by its address
    assert asked.pop("ListObjectsV2") < 10
    # The bytes that were archived a moment before are not fetched again, and what is removed is not looked at.
    taken_out = {"DeleteObjects": 2} if keeps else {"DeleteObjects": 1, "DeleteObject": len(files)}
    assert asked == {"GetObject": len(files), "PutObject": 4 * len(files)} | taken_out
    assert asked["GetObject"] + asked["PutObject"] == MOST * len(files)
