"""Tells people what is late, failing or unwell before anybody has to ask."""
