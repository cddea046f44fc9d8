"""Settles the marks: takes in the board's own, and moderates the centres' until a person approves an adjustment."""
