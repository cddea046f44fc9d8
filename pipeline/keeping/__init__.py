"""Keeps records for as long as the table says, lets go of them then, and tells learners what is held about them."""
