"""Read, check and merge what a person decided, and write corrected labels in the form of the source."""
