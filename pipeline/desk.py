"""What every job works with: the store, the ledger with all its books, the catalogue and the settings, opened
together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from attrs import frozen

from infra.ledger.accounts import Accounts
from infra.ledger.actions import ActionBook
from infra.ledger.alerts import WatchBook
from infra.ledger.console import ConsoleBook
from infra.ledger.door import DoorBook
from infra.ledger.journal import Journal
from infra.ledger.keeping import KeepingBook
from infra.ledger.keys import KeyBook
from infra.ledger.marks import MarkBook
from infra.ledger.moderation import Moderation
from infra.ledger.results import ResultBook
from infra.ledger.submissions import Ledger
from infra.ledger.trail import Trail
from infra.settings import Settings
from infra.store import Store, open_store
from pipeline.steps import Step
from rules.catalogue import Catalogue


@frozen(kw_only=True)
class Desk:
    """The open desk. `ledger` has the files; the other books of the ledger are here too, on the same connections."""

    settings: Settings
    store: Store
    catalogue: Catalogue
    ledger: Ledger
    accounts: Accounts
    actions: ActionBook
    console: ConsoleBook
    door: DoorBook
    journal: Journal
    keeping: KeepingBook
    keys: KeyBook
    marks: MarkBook
    moderation: Moderation
    results: ResultBook
    trail: Trail
    watch: WatchBook

    def put(self, step: Step, key: str, data: bytes) -> None:
        """Writes a file to the store and passes the step for it."""
        self.store.put(key, data)
        step.passed()


@contextmanager
def open_desk(settings: Settings) -> Iterator[Desk]:
    """Opens what `settings` name; raises `CatalogueError` or `StoreError` when the catalogue or the store cannot be
    used."""
    catalogue = Catalogue.load(settings.catalogue)
    with Ledger(settings.database_url) as ledger:
        engine = ledger.engine
        yield Desk(
            settings=settings,
            store=open_store(settings.store_location),
            catalogue=catalogue,
            ledger=ledger,
            accounts=Accounts(engine),
            actions=ActionBook(engine),
            console=ConsoleBook(engine),
            door=DoorBook(engine),
            journal=Journal(engine),
            keeping=KeepingBook(engine),
            keys=KeyBook(engine),
            marks=MarkBook(engine),
            moderation=Moderation(engine),
            results=ResultBook(engine),
            trail=Trail(engine),
            watch=WatchBook(engine),
        )
