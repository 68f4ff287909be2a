"""Experiments on labels: what noise costs, what cleaning wins back, what changed between two runs."""
