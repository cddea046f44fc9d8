"""What every job works with: the store, the ledger with all its books, the catalogue and the settings, opened
together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from attrs import evolve, field, frozen

from infra.ledger.accounts import Accounts
from infra.ledger.actions import ActionBook
from infra.ledger.alerts import WatchBook
from infra.ledger.approvals import ApprovalBook, Signer
from infra.ledger.calendar import CalendarBook
from infra.ledger.console import ConsoleBook
from infra.ledger.corrections import CorrectionBook
from infra.ledger.door import DoorBook
from infra.ledger.journal import Journal
from infra.ledger.keeping import KeepingBook
from infra.ledger.keys import KeyBook
from infra.ledger.learners import LearnerBook
from infra.ledger.marks import MarkBook
from infra.ledger.moderation import Moderation
from infra.ledger.place import StoreBook
from infra.ledger.register import RegisterBook
from infra.ledger.results import ResultBook
from infra.ledger.seals import SealBook
from infra.ledger.shares import ShareBook
from infra.ledger.submissions import Ledger
from infra.ledger.told import ToldBook
from infra.ledger.trail import Trail
from infra.settings import Settings
from infra.store import Store, adopted, own_store, proved
from pipeline.archive import Recent
from pipeline.catalogue_in_use import dates_of_staff, in_use
from pipeline.steps import Step
from rules.catalogue import Catalogue


@frozen(kw_only=True)
class Desk:
    """The open desk. `ledger` has the files; the other books of the ledger are here too, on the same connections.
    `catalogue_fault`: what is wrong with the catalogue's files, while the one before them stays in use."""

    settings: Settings
    store: Store
    catalogue: Catalogue
    ledger: Ledger
    accounts: Accounts
    actions: ActionBook
    approvals: ApprovalBook
    calendar: CalendarBook
    console: ConsoleBook
    corrections: CorrectionBook
    door: DoorBook
    journal: Journal
    keeping: KeepingBook
    keys: KeyBook
    learners: LearnerBook
    marks: MarkBook
    moderation: Moderation
    register: RegisterBook
    results: ResultBook
    seals: SealBook
    shares: ShareBook
    stores: StoreBook
    told: ToldBook
    trail: Trail
    watch: WatchBook
    catalogue_fault: str = ""
    recent: Recent = field(factory=Recent, eq=False, repr=False)
    """What was archived while the desk is open."""

    def put(self, step: Step, key: str, data: bytes) -> None:
        """Writes a file to the store and passes the step for it."""
        self.store.put(key, data)
        step.passed()


def up_to_date(desk: Desk) -> Desk:
    """CAL-7: the desk with the dates that staff have set by now. A job has them from its begin to its end."""
    dates = dates_of_staff(desk.calendar.changes(), desk.catalogue.seed)
    catalogue = desk.catalogue.with_dates(dates)
    return desk if catalogue is desk.catalogue else evolve(desk, catalogue=catalogue)


@contextmanager
def open_desk(settings: Settings) -> Iterator[Desk]:
    """Opens what `settings` name; raises `StoreError` when the store cannot be used, and `CatalogueError` when the
    catalogue cannot be read and no earlier one is kept; also when it is not the store that the ledger knows (OPS-6)."""
    found = in_use(settings)
    with Ledger(settings.database_url) as ledger:
        engine = ledger.engine
        desk = Desk(
            settings=settings,
            store=own_store(settings.store_location, StoreBook(engine), settings.store_threads),
            catalogue=found.catalogue,
            catalogue_fault=found.fault,
            ledger=ledger,
            accounts=Accounts(engine),
            actions=ActionBook(engine),
            approvals=ApprovalBook(engine),
            calendar=CalendarBook(engine),
            console=ConsoleBook(engine),
            corrections=CorrectionBook(engine),
            door=DoorBook(engine),
            journal=Journal(engine),
            keeping=KeepingBook(engine),
            keys=KeyBook(engine),
            learners=LearnerBook(engine),
            marks=MarkBook(engine),
            moderation=Moderation(engine),
            register=RegisterBook(engine),
            results=ResultBook(engine),
            seals=SealBook(engine),
            shares=ShareBook(engine),
            stores=StoreBook(engine),
            told=ToldBook(engine),
            trail=Trail(engine),
            watch=WatchBook(engine),
        )
        yield up_to_date(desk)


def adopt_store(settings: Settings, by: Signer, why: str, now: datetime) -> Store:
    """OPS-3, OPS-6: from `now` (aware) on the store of the settings belongs to the ledger, because `who` says so, and
    `why`; the desk itself may not open, as it is another one. Raises `StoreError`."""
    store, identity = adopted(settings.store_location)
    with Ledger(settings.database_url) as ledger:
        StoreBook(ledger.engine).adopt(identity, by, why, now)
    return store


def prove_store(settings: Settings) -> None:
    """OPS-6: raises `StoreError` when the store of the settings is another one than the ledger knows, or does not keep
    the promises that the desk lives by."""
    with Ledger(settings.database_url) as ledger:
        proved(settings.store_location, StoreBook(ledger.engine))
