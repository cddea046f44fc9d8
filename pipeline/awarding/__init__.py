"""Turns marks into grades: boundaries, conversion to UMS, the award as a frozen version, and the pages a person
decides by."""
