"""What staff can do about who a learner is (REG-6, REG-8, ENT-7): a UCI or details put right, two UCIs merged or
parted, a learner moved to another centre. The functions are the command line's. Names, dates of birth
and UCIs stand in no address, and of what is on record none is shown."""

from __future__ import annotations

from collections.abc import Mapping

from parsers.identifiers import uci as ucis
from pipeline.console.acts import CANDIDATE, Act, Asked, Field, learner_of
from pipeline.desk import Desk
from pipeline.intake.foresee import Effect
from pipeline.learners import orders
from pipeline.learners.life import clashes, following, in_force
from pipeline.orders import StaffError
from pipeline.register import title
from rules.calendar import LONDON
from rules.catalogue import series_title

COSTS = ("Costs", "nothing")


def _who(asked: Asked) -> tuple[str, str]:
    return "Who", f"candidate {asked.said['candidate'].strip()} of centre {asked.centre}"


def _typed(asked: Asked, field: str) -> str:
    return ucis.compact(asked.said[field])


def _follows(desk: Desk, uci: str) -> tuple[str, str]:
    return "What follows", following(desk, uci)[0].removeprefix("What follows: ").rstrip(".")


# --- A UCI is put right ----------------------------------------------------------------------------------------------


def _uci_effect(desk: Desk, asked: Asked) -> Effect:
    uci, to = learner_of(desk, asked), _typed(asked, "to")
    orders.correctable(desk, uci, to)
    both = ("From now on", "both UCIs lead to the learner; the one you typed is in force")
    return (_who(asked), both, _follows(desk, uci), COSTS)


def _correct(desk: Desk, asked: Asked) -> str:
    return orders.correct(desk, learner_of(desk, asked), _typed(asked, "to"), asked.order, asked.centre)


# --- Details are put right -------------------------------------------------------------------------------------------


def _details(asked: Asked) -> orders.Details:
    details = orders.Details(name=asked.said["name"].strip(), born=asked.said["born"].strip())
    if not details.kept and not details.born:
        raise StaffError("say which name or date of birth is the right one")
    if details.day is not None and details.day >= asked.order.at.astimezone(LONDON).date():
        raise StaffError("nobody is born on that day yet")
    return details


def _details_effect(desk: Desk, asked: Asked) -> Effect:
    uci, details = learner_of(desk, asked), _details(asked)
    held = desk.learners.life(in_force(desk, uci))["details"]
    said = (("name", details.kept), ("born", details.day))
    rows = []
    for row in held.filter(held["until"].is_null()).iter_rows(named=True):
        new = [{"born": "date of birth"}.get(what, what) for what, value in said if value and value != row[what]]
        changes = f"{' and '.join(new)} {'become' if len(new) > 1 else 'becomes'} what you typed"
        rows.append((f"Centre {title(desk, row['centre'])}", changes if new else "nothing changes"))
    if not rows:
        raise StaffError("no centre has their details in force")
    stays = ("What stays", "what was issued before; an entry in the name of before is refused from now on (REG-3)")
    return (_who(asked), *rows, stays, COSTS)


def _correct_details(desk: Desk, asked: Asked) -> str:
    return orders.correct_details(desk, learner_of(desk, asked), _details(asked), asked.order, asked.centre)


# --- Two UCIs of one person, and a wrong merge -----------------------------------------------------------------------


def _merge_effect(desk: Desk, asked: Asked) -> Effect:
    uci, into = learner_of(desk, asked), _typed(asked, "into")
    orders.mergeable(desk, uci, into)
    doubled = [("Look at this", sentence) for sentence in clashes(desk, uci, into)]
    if held := orders.also_held(desk, uci, into):
        doubled.append(("Look at this", f"{len(held)} results would be withheld or voided as the other's are (RES-8)"))
    kept = ("From now on", "both UCIs lead to one learner; the one you typed is in force")
    return (_who(asked), kept, _follows(desk, uci), *doubled, COSTS)


def _merge(desk: Desk, asked: Asked) -> str:
    return orders.merge(desk, learner_of(desk, asked), _typed(asked, "into"), asked.order, asked.centre)


def _split_effect(desk: Desk, asked: Asked) -> Effect:
    uci = _typed(asked, "uci")
    orders.led_to(desk, uci)
    what = ("What", "the UCI you typed leads to no other any more: it is a learner of its own again")
    return (what, _follows(desk, uci), COSTS)


def _split(desk: Desk, asked: Asked) -> str:
    return orders.split(desk, _typed(asked, "uci"), asked.order, asked.centre)


# --- To another centre -----------------------------------------------------------------------------------------------


def _way(asked: Asked) -> tuple[str, str, str]:
    return asked.centre, asked.said["to"].strip(), asked.said["number"].strip()


def _transfer_effect(desk: Desk, asked: Asked) -> Effect:
    uci, (centre, to, number) = learner_of(desk, asked), _way(asked)
    moving = orders.movable(desk, uci, centre, to, number, asked.order.at)
    by_series = moving.group_by("table", "series", maintain_order=True).agg("option")
    rows = [
        (f"{table.capitalize()} of {series_title(series)}", ", ".join(options))
        for table, series, options in by_series.iter_rows()
    ]
    return (
        _who(asked),
        ("From", f"centre {title(desk, centre)}"),
        ("To", f"centre {title(desk, to)}, as candidate {number}"),
        *rows,
        *(("Look at this", sentence) for sentence in orders.kept_numbers(moving, number)),
        *(("Look at this", sentence) for sentence in orders.staying(desk, uci, centre, to)),
        ("With them", "every version of their marks, and the details in force"),
        ("What stays", "results that are out, with the series they belong to"),
        COSTS,
    )


def _transfer(desk: Desk, asked: Asked) -> str:
    return orders.transfer(desk, learner_of(desk, asked), *_way(asked), asked.order)


LEARNER_ACTS: Mapping[str, Act] = {
    "learner-uci": Act(
        title="Put a UCI right", rule="REG-8",
        fields=(CANDIDATE, Field("to", "The right UCI")),
        effect=_uci_effect, do=_correct, undo="Part the UCIs again, by the wrong one.",
    ),
    "learner-details": Act(
        title="Put a name or a date of birth right", rule="REG-6",
        fields=(
            CANDIDATE,
            Field("name", "The right name, as SURNAME:FORENAMES; empty: as it is", needed=False),
            Field("born", "The right date of birth; empty: as it is", "date", needed=False),
        ),
        effect=_details_effect, do=_correct_details, undo="Do it again, with what was there before.",
    ),
    "learner-merge": Act(
        title="Merge two UCIs of one person", rule="REG-8",
        fields=(CANDIDATE, Field("into", "The UCI that the learner keeps")),
        effect=_merge_effect, do=_merge, undo="Part the UCIs again, by the one that is not kept.",
    ),
    "learner-split": Act(
        title="Part two UCIs again", rule="REG-8",
        fields=(Field("uci", "The UCI that was replaced or merged"),),
        effect=_split_effect, do=_split, undo="Merge them again.",
    ),
    "learner-transfer": Act(
        title="Move a learner to another centre", rule="REG-8, ENT-7",
        fields=(
            CANDIDATE, Field("to", "To centre", linked=True), Field("number", "Candidate number there", linked=True),
        ),
        effect=_transfer_effect, do=_transfer, undo="Move the learner back, from the other centre.",
    ),
}  # fmt: skip
"""The acts about a learner of a centre, by their names in addresses."""
