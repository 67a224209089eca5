"""Doing, one lot at a time: the same code in `cls run` and in a cloud function."""
