"""Keeps the year's dates: what falls due when, who is missing before each deadline, what a centre owes, and
basedata."""
