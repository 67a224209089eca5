"""Work on lots of history: plans are made (`making`), kept, and worked (`working`)."""
