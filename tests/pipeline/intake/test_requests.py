"""How often the ingest asks a store in S3, where each request costs the way there and back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
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
MOST = 6
"""Requests for a file: it is read, archived, acknowledged and taken out; its twin and its reply are put."""
INDEX = 2
"""Requests for each centre in a batch, whatever it has sent: the index of its outbox, as CSV and as a page."""


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with s3_server(tmp_path_factory.mktemp("s3") / "moto.log") as port, pytest.MonkeyPatch.context() as patch:
        at_port(patch, port)
        yield new_bucket("requests")


def test_a_file_in_s3_costs_six_requests_and_many_are_under_way_at_a_time(
    fresh: Settings, bucket: str, tmp_path: Path
) -> None:
    asked: Counter[str] = Counter()

    def count(model: OperationModel, params: dict[str, Any], **_: object) -> None:
        asked.update(["index" if "/index." in params["url_path"] else model.name])

    with open_desk(evolve(fresh, store=f"{bucket}/desk", store_threads=3)) as desk:
        assert isinstance(desk.store, S3Store)
        assert desk.store.threads == 3
        files = [(centre, registration_file(centre)) for centre in CENTRES]
        # One of the centres sends a second file.
        amendment = centre_file(("BEN22",), letter="A", centre=CENTRES[0], series="9B23", body="13", sequence=2)
        files.append((CENTRES[0], amendment))
        for centre, data in files:
            desk.store.put(f"inbox/{centre}/{name_of(data)}", data)
        desk.store.client.meta.events.register("before-call.s3", count, unique_id="counted")
        done = ingest(desk, datetime.now(UTC) + timedelta(minutes=1))
    assert done.outcomes.total() == done.received == len(files)
    print(dict(asked))
    assert asked.pop("index") == INDEX * len(CENTRES)
    of_files = asked - Counter(ListObjectsV2=asked["ListObjectsV2"])
    # The bytes that were archived a moment before are not fetched again, and what is removed is not looked at.
    assert of_files == {
        "GetObject": len(files), "PutObject": 4 * len(files), "DeleteObject": len(files),
    }  # fmt: skip
    assert of_files.total() == MOST * len(files)
    assert asked["ListObjectsV2"] < 10
