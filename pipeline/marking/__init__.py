"""Carries marks on: the board's own marks, moderation of the centres' marks, and the page on which a person approves an
adjustment."""
