"""The application that all commands belong to: flags, environment and settings files have one spelling."""

from cyclopts import App, Parameter
from cyclopts.config import Env, Toml


def _flag(field: str) -> str:
    """The flag of a settings field; X keeps its capital, which is the field's name for the data."""
    return field if field == "X" else field.strip("_").replace("_", "-")


app = App(
    name="audit",
    help="Find label issues, and measure on your own data how good the list of them is.",
    help_format="plaintext",
    suppress_keyboard_interrupt=False,  # an interrupt says how to go on
    default_parameter=Parameter(negative=(), name_transform=_flag),
)

SETTINGS = [  # of detect alone: other commands know neither its settings nor where its --data and --out lead
    Env("AUDIT_", command=False),
    Toml("audit.toml", search_parents=True, use_commands_as_keys=False),
    Toml("pyproject.toml", root_keys=["tool", "audit"], search_parents=True, use_commands_as_keys=False),
]
