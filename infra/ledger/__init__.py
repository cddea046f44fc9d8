"""The ledger: its tables and migrations, and one book for each thing the desk keeps on record."""
