"""What every job works with: the store, the ledger, the catalogue and the settings, opened together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from attrs import frozen

from infra.ledger.actions import ActionBook
from infra.ledger.journal import Journal
from infra.ledger.results import ResultBook
from infra.ledger.submissions import Ledger
from infra.settings import Settings
from infra.store import Store, open_store
from rules.catalogue import Catalogue


@frozen
class Desk:
    """The open desk."""

    settings: Settings
    store: Store
    ledger: Ledger
    actions: ActionBook
    results: ResultBook
    journal: Journal
    catalogue: Catalogue


@contextmanager
def open_desk(settings: Settings) -> Iterator[Desk]:
    """Opens what `settings` name; raises `CatalogueError` or `StoreError` when the catalogue or the store cannot be
    used."""
    catalogue = Catalogue.load(settings.catalogue)
    with Ledger(settings.database_url) as ledger:
        yield Desk(
            settings,
            open_store(settings.store_location),
            ledger,
            ActionBook(ledger.engine),
            ResultBook(ledger.engine),
            Journal(ledger.engine),
            catalogue,
        )
