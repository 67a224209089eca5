"""What is declared and what is recorded: attrs values, no I/O, no clock."""
