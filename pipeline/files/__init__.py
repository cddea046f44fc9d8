"""Works on files alone, without a ledger: checks, describes, converts and identifies them, and shows the layout of a
record."""
