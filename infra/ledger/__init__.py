"""Keeps the ledger in PostgreSQL: its tables, its migrations, and one book for each thing on record."""
