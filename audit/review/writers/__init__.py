"""Write corrected labels in the form of their source."""
