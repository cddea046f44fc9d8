"""Works on files alone, with no ledger: check, describe, convert, identify, show a record type."""
