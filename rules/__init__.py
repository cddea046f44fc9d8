"""Decides, with no I/O but the catalogue's: columns, catalogue and what is known become findings and decisions, one
named function per rule."""
