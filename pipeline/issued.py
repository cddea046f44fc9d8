"""Whether results are out already: in the ledger's eyes, or only in the store's, where a release died in between."""

from __future__ import annotations

from collections.abc import Sequence

from infra.ledger.results import ReleaseFile
from infra.store import Store
from pipeline.parallel import in_parallel


def anything_out(store: Store, files: Sequence[ReleaseFile]) -> bool:
    """Whether any of the files is published already, in the ledger's eyes or in the store's."""

    def out(file: ReleaseFile) -> bool:
        return any(stored.key == file.place for stored in store.list(file.place))

    return any(file.published_at for file in files) or any(in_parallel(out, files))
