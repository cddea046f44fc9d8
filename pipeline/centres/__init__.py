"""Keeps the register of centres: who they are, and what they are approved for."""
