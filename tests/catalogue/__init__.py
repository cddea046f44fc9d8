"""The catalogue that tests run on: a copy of `fixtures/catalogue` of November 2026, frozen. What a test says about a
date, a price or an option stays true when a series is opened or a date moves; the catalogue that is in use is tested by
`tests/rules/test_catalogue_in_use.py`. A change of the *form* of these files is made here too."""

from pathlib import Path

from rules.catalogue import Catalogue

FROZEN = Path(__file__).parent
CATALOGUE = Catalogue.load(FROZEN)
