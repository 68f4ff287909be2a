"""A run on disk: its folder and record, comparison of two runs, and gates."""
