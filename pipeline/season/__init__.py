"""Keeps the year's dates: what is due when, who is still missing before each deadline, what each centre owes, and
basedata."""
