"""Corrects what is issued: cases with their whole effect shown first, proposed by one person and approved by another,
and everything that follows (RES-7)."""
