"""`cls run`: everything that is declared, in one process: listens, seals, delivers, reconciles."""
