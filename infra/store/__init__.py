"""Where files are kept: a folder or an S3 bucket, behind one small interface.

A key is text with `/` between its parts: `inbox/<centre>/<name>`, `archive/<sha256>`, `outbox/<centre>/<name>`. The
name of a file in the inbox was chosen by somebody outside, so a key is checked before anything is touched, and nothing
but a plain file is ever opened. Whatever goes wrong outside is raised as `StoreError`.
"""

from infra.store.contract import BadKey, Missing, Store, Stored, StoreError, WrongStore
from infra.store.folder import KEPT_LEVELS, WHOLE, FolderStore
from infra.store.identity import IDENTITY, PROBES, identity_of
from infra.store.keys import LONGEST_NAME, TEMPORARY_FOLDER, left_behind, unfinished
from infra.store.opening import adopted, open_store, own_store, proved
from infra.store.s3 import S3Store, is_denied

__all__ = [
    "IDENTITY",
    "KEPT_LEVELS",
    "LONGEST_NAME",
    "PROBES",
    "TEMPORARY_FOLDER",
    "WHOLE",
    "BadKey",
    "FolderStore",
    "Missing",
    "S3Store",
    "Store",
    "StoreError",
    "Stored",
    "WrongStore",
    "adopted",
    "identity_of",
    "is_denied",
    "left_behind",
    "open_store",
    "own_store",
    "proved",
    "unfinished",
]
