"""JCQ common-format files: bytes to typed columns and back, with findings. Pure: no I/O, no clock, no database."""
