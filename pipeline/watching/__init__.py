"""Tells people what is late, failing or unwell before they have to ask."""
