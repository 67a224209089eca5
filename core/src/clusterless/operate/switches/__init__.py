"""Turning things off and on again (`switching`), and what they were kept from meanwhile (`held`)."""
