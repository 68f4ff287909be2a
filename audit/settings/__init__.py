"""Every flag of every command, as frozen dataclasses; only the standard library is imported."""
