"""Data pipelines for continuously arriving data, with nothing of ours left running."""
