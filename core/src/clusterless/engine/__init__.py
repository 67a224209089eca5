"""Decisions from values: no clock, no network."""
