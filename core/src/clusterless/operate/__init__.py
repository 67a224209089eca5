"""Asking what is recorded, and acting on it: how things stand, why something is missing, working it again."""
