"""Writes the pages and drawings of the documentation that come from the code."""
