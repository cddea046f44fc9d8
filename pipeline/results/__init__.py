"""Publishes results at their instant and does what follows: updated results, late claims, certificates, and why each
outcome is what it is."""
