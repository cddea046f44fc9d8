"""Publishes results at their instant and whatever follows: result files, updated ones, certificates, and why each
outcome is what it is."""
