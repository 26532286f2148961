"""Reads. One file per subject; a constant number of statements each."""
