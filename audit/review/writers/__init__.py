"""Corrected labels, written in the form of their source."""
