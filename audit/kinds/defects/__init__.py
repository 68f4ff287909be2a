"""Defects that are put into examples on purpose."""
