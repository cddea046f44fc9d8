"""Identifiers of UK examination data, one module each: `uci`, `uln`, `upn`, `centre`, `candidate`, `series`,
`sequence`, `filename`.

Each has `compact` (the normal form, unchecked), `validate` (the normal form, or an `InvalidIdentifier`), `is_valid`
and `explain` (an `Explanation`, never an error). All identifiers are text, never numbers.
"""
