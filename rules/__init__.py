"""The rules of the domain: columns, catalogue and what is known, to findings and decisions. Pure: no I/O but the
catalogue's."""
