"""One module for each form that data comes in."""
