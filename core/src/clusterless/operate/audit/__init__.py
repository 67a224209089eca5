"""A dataset's objects held against its lots, and these against what was committed; `dataset` is where it begins."""
