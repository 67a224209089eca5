"""Real servers that tests start for themselves: on loopback, on a free port, ended by their pid."""
