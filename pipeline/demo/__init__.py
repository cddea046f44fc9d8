"""Plays a whole season through the running desk, with the clock set by the calendar."""
