"""Plays a whole season through the running desk; the calendar sets the clock."""
