"""What programs of schools would say of results and basedata: three models of public importers, by their columns.

The models are ours, written from what is known of such programs. They need what those need and no more: a file that
`reader` finds nothing wrong with may still stop an importer that turns every score into a number.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

import polars as pl
from attrs import frozen

from .identifiers import uci

SYSTEM, STATEMENTS, COLUMNS = "an exams system", "a statements program", "a column reader"
"""The models: loads basedata, then results against it; finds learners by UCI and prints statements; reads columns."""

BASEDATA = ("S", "O", "C", "L")
"""The files of a set, in the order in which the exams system loads them."""


@frozen
class Remark:
    """What an importer would say of a file: `line` is the first of `count`; `refuses`: it would not take the record,
    or the file. It only logs the others."""

    importer: str
    file: str
    line: int
    count: int
    what: str
    refuses: bool


@frozen
class _Rule:
    importer: str
    letter: str
    what: str
    wrong: pl.Expr
    refuses: bool = True


def _cut(first: int, width: int) -> pl.Expr:
    return pl.col("text").str.slice(first - 1, width)


def _number(first: int, width: int) -> pl.Expr:
    """Whether the columns hold a whole number, as a language's own conversion takes it."""
    return _cut(first, width).str.contains("^ *[0-9]+ *$")


def _blank(first: int, width: int) -> pl.Expr:
    return _cut(first, width).str.strip_chars() == ""


_PARTIAL_ABSENCE = "a partial absence"
_TYPE = _cut(47, 1)
_UNIFORM, _LARGE = _TYPE.is_in(["U", "M"]), _TYPE.is_in(["B", "C"])
_GRADE = pl.when(_UNIFORM).then(_cut(51, 2)).when(_LARGE).then(_cut(52, 2)).otherwise(_cut(48, 2))
_DATE = "^(0[1-9]|[12][0-9]|3[01])(0[1-9]|1[0-2])[0-9]{2}$"
_PARTIAL = pl.when(_LARGE).then(_cut(58, 1)).when(_UNIFORM).then(pl.lit(" ")).otherwise(_cut(56, 1))

_RULES = (
    _Rule(SYSTEM, "R", "a score that is no number", (_UNIFORM & ~_number(48, 3)) | (_LARGE & ~_number(48, 4))),
    _Rule(SYSTEM, "R", _PARTIAL_ABSENCE, _PARTIAL == "#", refuses=False),
    _Rule(SYSTEM, "S", "a syllabus without a title", _blank(10, 35)),
    _Rule(SYSTEM, "O", "an item that is not C, U or B", ~_cut(22, 1).is_in(["C", "U", "B"])),
    _Rule(SYSTEM, "O", "a process that is not E or R", ~_cut(30, 1).is_in(["E", "R"])),
    _Rule(SYSTEM, "O", "a fee that is no number", (_cut(79, 1) == "Y") & ~_number(80, 5)),
    _Rule(SYSTEM, "O", "a number of components that is none", ~_number(114, 2)),
    _Rule(SYSTEM, "C", "a length that is no number", ~_number(73, 3)),
    _Rule(SYSTEM, "C", "an examination without its day", (_cut(65, 1) == "T") & _blank(66, 6)),
    _Rule(STATEMENTS, "R", "no UCI to find the learner by", _blank(12, 13)),
    _Rule(STATEMENTS, "R", "a result without grade or indicator", _GRADE.str.strip_chars() == "", refuses=False),
    _Rule(COLUMNS, "R", "an unknown result type", ~_TYPE.is_in([*"123UMBC"])),
    _Rule(COLUMNS, "R", "a record that is not 59 columns wide", pl.col("text").str.len_chars() != 59),
    _Rule(COLUMNS, "O", "a result type that is none", ~_cut(93, 1).is_in([*"123UMBC"])),
    _Rule(COLUMNS, "O", "an award without type and level", _cut(22, 1).is_in(["C", "B"]) & _blank(15, 7)),
    _Rule(COLUMNS, "O", "a unit without type and level", _cut(22, 1).is_in(["U", "B"]) & _blank(23, 7)),
    _Rule(COLUMNS, "C", "a day that is none", ~_blank(59, 6) & ~_cut(59, 6).str.contains(_DATE)),
    _Rule(COLUMNS, "C", "a session that is not A, P or X", ~_cut(72, 1).is_in(["A", "P", "X"])),
)

_NAMES = {
    STATEMENTS: (("R",), r"(?i)^R\w{7}\.X\d\d$"),
    SYSTEM: (BASEDATA, r"(?i)^[SOCLD][1-9A-C].\d\d.\d\d\.X\d\d$"),
}
"""What names of files an importer knows."""


def remarks(files: Mapping[str, bytes], offered: Collection[str] | None = None) -> list[Remark]:
    """What the three importers would log or refuse in files by their names: R files of any number of centres, or a set
    of basedata (S, O, C, L). `offered`: the option codes of the basedata that results are read against.

    Sorted by importer, file and line. Files of other letters are passed over. Raises nothing on any bytes.
    """
    page = _page(files)
    details = page.filter(pl.col("kind") == "5")
    of = {letter: details.filter(pl.col("letter") == letter) for letter in ("R", *BASEDATA)}
    made = [
        *(remark for rule in _RULES for remark in _by_file(rule, of[rule.letter])),
        *_names(files),
        *_envelopes(page),
        *_people(of["R"]),
        *_codes(of["R"], offered),
    ]
    if any(name[:1].upper() in BASEDATA for name in files):
        made += _sets(files, of)
    return sorted(made, key=lambda remark: (remark.importer, remark.file, remark.line, remark.what))


def in_words(said: Iterable[Remark]) -> tuple[str, ...]:
    """What stops an importer, a sentence a kind, with the first place and how many files it is in; what is only logged
    because it must be, a partial absence, is left out."""
    kinds: dict[tuple[str, str, bool], list[Remark]] = {}
    for remark in said:
        if remark.what != _PARTIAL_ABSENCE:
            kinds.setdefault((remark.importer, remark.what, remark.refuses), []).append(remark)
    return tuple(
        f"{importer} {'would refuse' if refuses else 'would log'}: {what}, {sum(remark.count for remark in its):,} in "
        f"{len(its):,} file{'s' * (len(its) > 1)}, first in {its[0].file}, line {its[0].line}"
        for (importer, what, refuses), its in kinds.items()
    )


def _page(files: Mapping[str, bytes]) -> pl.DataFrame:
    """The lines of all files: `file`, `line` from 1, `letter` and `kind` of its record, `text`."""
    texts = [data.decode("latin-1").removesuffix("\r\n") for data in files.values()]
    return (
        pl.DataFrame({"file": list(files), "text": texts}, schema={"file": pl.String, "text": pl.String})
        .with_columns(pl.col("text").str.split("\r\n"))
        .explode("text")
        .with_columns(pl.int_range(1, pl.len() + 1).over("file").alias("line"))
        .with_columns(_cut(1, 1).alias("letter"), _cut(2, 1).alias("kind"))
    )


def _by_file(rule: _Rule, details: pl.DataFrame) -> Iterator[Remark]:
    wrong = details.filter(rule.wrong).group_by("file").agg(pl.col("line").min(), pl.len().alias("count"))
    for file, line, count in wrong.select("file", "line", "count").iter_rows():
        yield Remark(rule.importer, file, line, count, rule.what, rule.refuses)


def _names(files: Iterable[str]) -> Iterator[Remark]:
    names = pl.Series("name", list(files), pl.String)
    for importer, (letters, pattern) in _NAMES.items():
        its = names.filter(names.str.slice(0, 1).str.to_uppercase().is_in(letters))
        for name in its.filter(~its.str.contains(pattern)):
            yield Remark(importer, name, 1, 1, "a name it does not know", refuses=True)


def _envelopes(page: pl.DataFrame) -> Iterator[Remark]:
    """The count in every centre trailer, less two, is the number of details; the header names formats version 14."""
    counted = page.group_by("file", maintain_order=True).agg(
        pl.col("line").filter(pl.col("kind") == "7").first().alias("line"),
        (pl.col("kind") == "5").sum().alias("details"),
        pl.col("text").filter(pl.col("kind") == "7").str.slice(7, 7).str.strip_chars()
        .cast(pl.Int64, strict=False).sub(2).sum().alias("said"),
        pl.col("text").first().str.slice(24, 2).alias("version"),
    )  # fmt: skip
    other = pl.col("details") != pl.col("said")
    for file, line in counted.filter(other).select("file", pl.col("line").fill_null(1)).iter_rows():
        yield Remark(STATEMENTS, file, line, 1, "a count that is not that of its records", refuses=True)
    for file in counted.filter(pl.col("version") != "14")["file"]:
        yield Remark(COLUMNS, file, 1, 1, "a formats version that is not 14", refuses=True)


def _people(results: pl.DataFrame) -> Iterator[Remark]:
    """A result is kept by file, UCI and code: a second one would take the place of the first. A UCI it cannot find is
    logged."""
    keyed = results.with_columns(_cut(12, 13).str.strip_chars().alias("uci"), _cut(41, 6).alias("code"))
    twice = keyed.filter(~pl.struct("file", "uci", "code").is_first_distinct())
    yield from _by_file(_Rule(STATEMENTS, "R", "a second result of a learner for a code", pl.lit(value=True)), twice)
    held = keyed["uci"].unique().drop_nulls().to_list()
    wrong = [text for text in held if text and not uci.is_valid(text)]
    odd = keyed.filter(pl.col("uci").is_in(wrong))
    yield from _by_file(_Rule(STATEMENTS, "R", "a UCI that is none", pl.lit(value=True), refuses=False), odd)


def _codes(results: pl.DataFrame, offered: Collection[str] | None) -> Iterator[Remark]:
    if offered is not None:
        absent = ~_cut(41, 6).str.strip_chars().is_in(list(offered))
        yield from _by_file(_Rule(SYSTEM, "R", "a code that is not in the basedata", absent, refuses=False), results)


def _sets(files: Mapping[str, bytes], details: Mapping[str, pl.DataFrame]) -> Iterator[Remark]:
    """What holds a set of basedata together: every file with a record, every link with its option and component."""
    first = next(iter(files))
    for letter in BASEDATA:
        named = next((name for name in files if name[:1].upper() == letter), None)
        if named is None or details[letter].is_empty():
            yield Remark(SYSTEM, named or first, 1, 1, f"no record in file {letter}: it waits for one", refuses=True)
    options = details["O"].with_columns(code=_cut(3, 6))
    syllabuses = details["S"].select(_cut(3, 6)).to_series()
    parts = details["C"].select(_cut(3, 12)).to_series()
    links = details["L"].with_columns(code=_cut(3, 6))
    linked = links.group_by("code").agg(pl.len().cast(pl.Int64).alias("links"))
    counted = options.join(linked, on="code", how="left").with_columns(pl.col("links").fill_null(0))
    said = _cut(114, 2).str.strip_chars().cast(pl.Int64, strict=False)
    for what, rows, wrong in (
        ("an option of a syllabus that is not there", options, ~_cut(9, 6).is_in(syllabuses.implode())),
        ("a link of an option that is not there", links, ~pl.col("code").is_in(options["code"].implode())),
        ("a link to a component that is not there", links, ~_cut(9, 12).is_in(parts.implode())),
        ("a number of links that is not that of its components", counted, pl.col("links") != said),
    ):
        yield from _by_file(_Rule(SYSTEM, "", what, wrong), rows)
