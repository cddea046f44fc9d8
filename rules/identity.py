"""Rules about who a learner is: personal details change by amendment of the registration (REG-6), one UCI is one person
(REG-7), and a UCI is corrected without losing what came under the one before (REG-8).

`records` are candidate records as in `parsers.columns.Columns`, with `centre` (blank where it is not the sender's) and
`series`; details that are held are those of `rules.frames`.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from parsers import births
from parsers import findings as library
from parsers.findings import Found
from parsers.layouts import CANDIDATE
from rules import findings as f
from rules.catalogue import day_text, series_title
from rules.known import Arrival

DETAILS = {"name": "name", "born": "date of birth", "sex": "sex", "uln": "ULN", "upn": "UPN"}
"""Personal details by column, in words."""
WHO = ("name", "born", "sex")
"""Details of which two that differ make two people (REG-7)."""
TWO_PEOPLE = 2

_HERE = ["file", "line", "candidate"]
_LEARNER = ["centre", "uci"]
_CANDIDATE = ["file", "candidate"]
CORRECTED = {"file": pl.UInt32, "line": pl.UInt32, "centre": pl.String, "candidate": pl.String, "series": pl.String,
             "uci": pl.String, "old": pl.String}  # fmt: skip
"""UCIs that a file corrects: `old` is what is held, `uci` what the file says."""


def with_details(records: pl.DataFrame) -> pl.DataFrame:
    """The records that have personal details, with the name as it is compared and kept."""
    return records.filter(pl.col("kept").is_not_null()).with_columns(name=pl.col("kept"))


def held_details(registrations: pl.DataFrame) -> pl.DataFrame:
    """The details in force of each learner of a centre: `centre`, `uci` and `held_name`, `held_born` and so on."""
    held = {f"held_{name}": pl.col(name) for name in DETAILS}
    return registrations.sort("id").unique(_LEARNER, keep="last").select(*_LEARNER, **held)


def given(column: str) -> pl.Expr:
    """Whether a detail says anything."""
    value = pl.col(column)
    return value.is_not_null() if column.endswith("born") else value.is_not_null() & (value != "")


def differs(name: str) -> pl.Expr:
    """Whether a detail and what is held are another, a blank and something included."""
    return pl.col(name).ne_missing(pl.col(f"held_{name}"))


def contradicts(name: str) -> pl.Expr:
    """Whether a detail and what is held both say something, and not the same."""
    return given(name) & given(f"held_{name}") & differs(name)


def two_people() -> pl.Expr:
    """REG-7: whether two of name, date of birth and sex are others than what is held."""
    return pl.sum_horizontal(contradicts(name).cast(pl.Int8) for name in WHO) >= TWO_PEOPLE


def spoken(name: str, prefix: str = "") -> pl.Expr:
    """A detail in words."""
    value = pl.col(f"{prefix}{name}")
    if name == "born":
        return value.dt.strftime("%-d %B %Y").fill_null("none")
    text = pl.format('"{}"', value.fill_null("")) if name == "name" else value.fill_null("")
    return pl.when(given(f"{prefix}{name}")).then(text).otherwise(pl.lit("none"))


def told(names: Sequence[str], here: str, there: str, which: dict[str, pl.Expr] | None = None) -> pl.Expr:
    """The details of `names` that differ in words: `name "A" here, "B" there`. `here` and `there` are words for the two
    places; `which`: the condition for each, `differs` unless said."""
    parts = [
        pl.when(which[name] if which else differs(name)).then(
            pl.format("{} {} {}, {} {}", pl.lit(DETAILS[name]), spoken(name), pl.lit(here), spoken(name, "held_"),
                      pl.lit(there))
        )
        for name in names
    ]  # fmt: skip
    return pl.concat_str(parts, separator="; ", ignore_nulls=True)


# --- One UCI, one person ---------------------------------------------------------------------------------------------


def records_agree(records: pl.DataFrame, found: Found) -> None:
    """REG-7: several records of one candidate in a file agree in every personal detail; else they are of two people,
    and the candidate is refused. Each is compared with the first."""
    key = ["file", "candidate", "uci"]
    several = with_details(records.filter(pl.struct(key).is_duplicated()))
    if several.is_empty():
        return
    first = several.sort("file", "line").unique(key, keep="first", maintain_order=True)
    first = first.select(*key, pl.col("line").alias("other"), **{f"held_{name}": pl.col(name) for name in DETAILS})
    rows = (
        several.join(first, on=key)
        .filter(pl.any_horizontal(differs(name) for name in DETAILS))
        .sort("file", "line")
        .select(*_HERE, pl.col("uci").alias("value"), "other", differences=told(list(DETAILS), "here", "there"))
    )
    place = CANDIDATE["uci"]
    found.rows(f.RECORDS_DISAGREE, rows, place.columns, place.name)


def one_person_here(records: pl.DataFrame, registrations: pl.DataFrame, found: Found) -> pl.DataFrame:
    """REG-7: a record whose UCI the centre holds with two of name, date of birth and sex different is of another
    person. Returns `file`, `candidate` of those refused."""
    rows = (
        with_details(records)
        .join(held_details(registrations), on=_LEARNER)
        .filter(two_people())
        .sort("file", "line")
        .select(
            *_HERE, pl.col("uci").alias("value"), differences=told(WHO, "here", "in the registration"),
            where=pl.lit("your registration"),
        )
    )  # fmt: skip
    place = CANDIDATE["uci"]
    found.rows(f.UCI_TWO_PEOPLE, rows, place.columns, place.name)
    return rows.select("file", "candidate").unique()


def one_person_elsewhere(
    records: pl.DataFrame, registrations: pl.DataFrame, people: pl.DataFrame, found: Found
) -> None:
    """REG-7: a learner that is new to a centre, or whose details change, is not somebody whom another centre holds
    under that UCI with another ULN, or with two of name, date of birth and sex different. Of the other record nothing
    is told but that there is one (FIL-6). `people`: `rules.frames.PEOPLE` of the UCIs in the records."""
    others = people.rename({"centre": "elsewhere"} | {name: f"held_{name}" for name in DETAILS})
    same = [pl.col(name).eq_missing(pl.col(f"held_{name}")) for name in DETAILS]
    unchanged = with_details(records).join(held_details(registrations), on=_LEARNER).filter(*same)
    rows = (
        with_details(records)
        .join(unchanged.select("file", "line"), on=["file", "line"], how="anti", maintain_order="left")
        .join(others, on="uci")
        .filter(pl.col("centre") != pl.col("elsewhere"), two_people() | contradicts("uln"))
        .unique(["file", "line"])
        .sort("file", "line")
        .select(
            *_HERE, pl.col("uci").alias("value"), where=pl.lit("the record of another centre"),
            differences=pl.lit("another centre holds it with other details, which are not shown here"),
        )
    )  # fmt: skip
    place = CANDIDATE["uci"]
    found.rows(f.UCI_TWO_PEOPLE, rows, place.columns, place.name)


def replaced(records: pl.DataFrame, registrations: pl.DataFrame, found: Found) -> None:
    """REG-8: a UCI that was corrected or merged is read as the one in force; of the centre's own learners that is told.
    `records` have the UCI that stands in the file as `uci_said`."""
    rows = (
        records.filter(pl.col("uci") != pl.col("uci_said"))
        .join(registrations.select(_LEARNER).unique(), on=_LEARNER, how="semi")
        .unique(["file", "candidate"], keep="first", maintain_order=True)
        .select(*_HERE, pl.col("uci_said").alias("value"), "uci")
    )
    found.rows(f.UCI_REPLACED, rows, CANDIDATE["uci"].columns, "uci")


def private(records: pl.DataFrame, found: Found) -> None:
    """REG-6: nothing that is accepted is dropped in silence: that a candidate is a private one is told, as it is not
    kept."""
    rows = with_details(records).filter(pl.col("status") == "P").unique(["file", "candidate"], keep="first")
    place = CANDIDATE["status"]
    found.rows(
        f.PRIVATE_CANDIDATE,
        rows.sort("file", "line").select(*_HERE, pl.col("status").alias("value")),
        place.columns,
        place.name,
    )


def of_usual_age(records: pl.DataFrame, found: Found) -> None:
    """FIL-4, ours: a learner who is younger than 10 or older than 20 years in the month of the series is told of: more
    often than not the date is wrong. `records` with the id of their `series`."""
    place = CANDIDATE["born"]
    year, month = (pl.col("series").str.slice(start, length).cast(pl.Int32) for start, length in ((0, 4), (5, 2)))
    age = (year * 12 + month - pl.col("born").dt.year() * 12 - pl.col("born").dt.month()) // 12
    rows = (
        with_details(records)
        .filter(pl.col("series").is_not_null(), pl.col("born").is_not_null())
        .with_columns(age=age)
        .filter(~pl.col("age").is_between(_AGES[0], _AGES[-1]))
        .unique(["file", "candidate"], keep="first")
        .sort("file", "line")
    )
    if rows.height:
        said = rows.select(
            *_HERE,
            pl.col("born").dt.strftime("%d%m%y").alias("value"),
            pl.col("born").map_elements(day_text, pl.String).alias("day"),
            "age",
            pl.col("series").map_elements(series_title, pl.String),
        )
        found.rows(f.AGE_UNUSUAL, said, place.columns, place.name)


_AGES = births.USUAL_AGES


def on_record(options: pl.DataFrame, records: pl.DataFrame, registrations: pl.DataFrame, found: Found) -> None:
    """REG-9: nobody is registered without a name: a feed, which has no details, registers only whom the centre has
    registered by file."""
    without = records.filter(pl.col("kept").is_null()).join(
        held_details(registrations).filter(pl.col("held_name") != ""), on=_LEARNER, how="anti"
    )
    rows = options.join(without.select("file", "line"), on=["file", "line"], how="semi", maintain_order="left")
    found.rows(f.NO_DETAILS, rows.select(*_HERE, pl.col("option").alias("value"), "option", "uci"))


# --- What an entry says ----------------------------------------------------------------------------------------------


def same_details(records: pl.DataFrame, registrations: pl.DataFrame, found: Found) -> None:
    """REG-6: an entry with another ULN than the registered one refuses the candidate; another date of birth, sex or
    UPN, or a ULN where none is registered, is a warning that shows both: entries do not change details."""
    both = with_details(records).join(held_details(registrations), on=_LEARNER).sort("file", "line")
    place = CANDIDATE["uln"]
    differing = both.filter(contradicts("uln"))
    # FIL-4: of what is no ULN, or no sex, that is told.
    wrong = differing.join(found.refused_for(library.ULN_WRONG), on=_CANDIDATE, how="anti", maintain_order="left")
    wrong = wrong.select(*_HERE, pl.col("uln").alias("value"), "uci", pl.col("held_uln").alias("registered"))
    found.rows(f.ULN_DIFFERS, wrong, place.columns, place.name)
    other = {name: given(name) & differs(name) for name in ("born", "sex", "uln", "upn")}
    other["uln"] = other["uln"] & ~given("held_uln")
    unread = found.refused_for(library.SEX, library.ULN_WRONG)
    sound = both.join(unread, on=_CANDIDATE, how="anti", maintain_order="left")
    told_of = sound.filter(pl.any_horizontal(other.values())).select(
        *_HERE, pl.lit(None, pl.String).alias("value"),
        differences=told(list(other), "here", "in the registration", other),
    )  # fmt: skip
    found.rows(f.DETAILS_DIFFER, told_of.unique(["file", "candidate"], keep="first", maintain_order=True))


# --- A UCI that is corrected -----------------------------------------------------------------------------------------


def corrected_ucis(records: pl.DataFrame, registrations: pl.DataFrame) -> pl.DataFrame:
    """REG-8: the UCIs that records of registrations correct (`CORRECTED`): the centre holds the same candidate number
    in the series, with the same name and date of birth, under another UCI. A UCI that the centre holds for somebody is
    no correction, nor is one where the old UCI is in the file too."""
    held = registrations.select(
        "centre", "series", "candidate", pl.col("uci").alias("old"), pl.col("name").alias("held_name"),
        pl.col("born").alias("held_born"),
    ).unique()  # fmt: skip
    said = records.select("file", "uci").unique()
    here = registrations.select(_LEARNER).unique()
    several = pl.col("uci").n_unique().over("file", "candidate") > 1
    return (
        with_details(records)
        .filter(pl.col("uci") != "")
        .join(held, on=["centre", "series", "candidate"])
        .filter(~several, pl.col("uci") != pl.col("old"), ~differs("name"), ~differs("born"))
        .join(here, on=_LEARNER, how="anti")
        .join(said, left_on=["file", "old"], right_on=["file", "uci"], how="anti")
        .sort("file", "line")
        .unique(["file", "candidate"], keep="first", maintain_order=True)
        .select(*CORRECTED)
    )


def correctable(
    corrected: pl.DataFrame, records: pl.DataFrame, people: pl.DataFrame, sat: frozenset[str], found: Found
) -> None:
    """REG-8: a UCI is not corrected by a file where that would join what may be two people, or the sittings of two
    UCIs: a person decides. `people`: of the old UCIs; `sat`: UCIs with sittings."""
    if corrected.is_empty():
        return
    details = with_details(records).select("file", "line", "name", "born")
    others = people.filter(pl.col("name") != "").select(
        pl.col("uci").alias("old"), pl.col("centre").alias("elsewhere"), pl.col("name").alias("held_name"),
        pl.col("born").alias("held_born"),
    )  # fmt: skip
    shared = (
        corrected.join(details, on=["file", "line"])
        .join(others, on="old")
        .filter(pl.col("centre") != pl.col("elsewhere"), differs("name") | differs("born"))
        .select("file", "line")
        .unique()
    )
    is_shared = pl.struct("file", "line").is_in(shared.to_struct().implode()) if shared.height else pl.lit(False)
    both = pl.col("uci").is_in(list(sat)) & pl.col("old").is_in(list(sat))
    rows = corrected.filter(is_shared | both).select(
        *_HERE, pl.col("uci").alias("value"), "old",
        why=pl.when(both).then(pl.lit("components have been taken under both"))
        .otherwise(pl.lit("the UCI held is used for somebody at another centre as well")),
    )  # fmt: skip
    place = CANDIDATE["uci"]
    found.rows(f.UCI_NOT_CORRECTED, rows, place.columns, place.name)


def names(records: pl.DataFrame, corrected: pl.DataFrame) -> pl.DataFrame:
    """The UCIs, those that are corrected, and the ULNs that files speak of: `file`, `name`."""
    every = (
        records.select("file", pl.col("uci").alias("name")),
        records.select("file", pl.col("uln").alias("name")),
        corrected.select("file", pl.col("old").alias("name")),
    )
    return pl.concat(every).filter(pl.col("name") != "").unique()


def meets_another(spoken: pl.DataFrame, arrivals: Sequence[Arrival], earlier: pl.Series) -> frozenset[int]:
    """REG-7, ENT-7: the files that speak of a learner of whom another file of the round, received before it, speaks
    too. They are decided after that file is booked. `spoken`: `names`; `earlier`: names of which others spoke."""
    if len(arrivals) < TWO_PEOPLE and earlier.is_empty():
        return frozenset()
    ranks = sorted(range(len(arrivals)), key=lambda file: (arrivals[file].received, file))
    order = pl.DataFrame({"file": ranks, "rank": range(len(ranks))}, schema={"file": pl.UInt32, "rank": pl.UInt32})
    ranked = spoken.join(order, on="file")
    later = ranked.filter(
        (pl.col("rank") > pl.col("rank").min().over("name")) | pl.col("name").is_in(earlier.implode())
    )
    return frozenset(later["file"].unique().to_list())
