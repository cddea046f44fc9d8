"""The JSON schemas: what the commands print fits them, and what does not fit is not right."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import attrs
import pytest
from jsonschema import Draft202012Validator, FormatChecker

from parsers.findings import CODES
from parsers.layouts import LAYOUTS
from parsers.reader import read
from parsers.schema import record, schemas
from pipeline.files.check import as_data, check_file
from pipeline.files.convert import convert
from tests.catalogue import CATALOGUE
from tests.golden import FIXTURES
from tests.pipeline.files import made
from tests.support import centre_file

FINDINGS = sorted(path for path in (FIXTURES / "findings").rglob("*") if path.is_file())


def validator(schema: dict[str, Any]) -> Draft202012Validator:
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema, format_checker=FormatChecker())


def test_there_is_a_schema_of_every_record_type_and_each_is_one() -> None:
    assert {said["title"] for said in schemas().values()} == {layout.record for layout in LAYOUTS} | {"Finding"}
    for schema in schemas().values():
        validator(schema)


def test_every_finding_of_the_library_fits_its_schema() -> None:
    valid = validator(schemas()["finding"])
    seen = set()
    for path in FINDINGS:
        for checked in check_file(path.name, path.read_bytes(), CATALOGUE, None):
            for finding in as_data(checked)["findings"]:  # type: ignore[attr-defined]
                valid.validate(json.loads(json.dumps(finding)))
                seen.add(finding["code"])
    assert len(seen & CODES.keys()) > len(CODES) * 3 // 4


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("E6412315.X01", centre_file(count=3)),
        ("R6412315.X07", made.results()),
        ("O6B24_15.X07", made.options()),
        ("S6B24_15.X07", made.syllabuses()),
    ],
)
def test_converted_records_fit_the_schema_of_their_type(name: str, data: bytes, tmp_path: Path) -> None:
    source, target = tmp_path / name, tmp_path / "table.json"
    source.write_bytes(data)
    convert(source, target, mask=False, force=False)
    layout = read(name, data).layout
    assert layout
    valid = validator(record(layout))
    rows = [one for centre in json.loads(target.read_text(encoding="utf-8"))["centres"] for one in centre["records"]]
    assert all(one.pop("as_received", None) is None for one in rows)
    held = [one for one in rows if one.pop("record_centre", None) is None]
    assert held
    for one in held:
        valid.validate(one)
        assert not valid.is_valid(one | {"no_such_field": "x"})
    spoilt = dict(held[0])
    wrong = next(name for name in record(layout)["required"] if name in spoilt)
    assert not valid.is_valid(spoilt | {wrong: None})


def test_a_finding_has_no_attribute_that_its_schema_lacks() -> None:
    finding = check_file("E6412315.X01", b"", CATALOGUE, None)[0].findings[0]
    assert attrs.asdict(finding).keys() == schemas()["finding"]["properties"].keys()
