"""What a person decided: read, checked, merged, and written back in the form of the source."""
