"""Turns marks into grades: boundaries, conversion tables, the award, and the pages a person decides by."""
