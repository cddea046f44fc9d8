"""Turns the bytes of JCQ common-format files into typed columns and back, with findings: no I/O, no clock, no
database."""

__version__ = "0.1.0"
