"""What kind of suspect a row is."""
