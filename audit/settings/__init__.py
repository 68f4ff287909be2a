"""Every flag of every command, as fields of frozen dataclasses; imports only the standard library."""
