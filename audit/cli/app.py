"""The application that all commands belong to: flags, environment and settings files have one spelling."""

from cyclopts import App, Group, Parameter
from cyclopts.config import Env, Toml

from audit.settings.fields import flag_name

app = App(
    name="audit",
    help="Find label issues, and measure on your own data how good the list of them is.",
    help_format="plaintext",
    suppress_keyboard_interrupt=False,  # an interrupt says how to go on
    default_parameter=Parameter(negative=(), name_transform=flag_name, show_env_var=False),
)

SETTINGS = [  # of detect alone: other commands know neither its settings nor where its --data and --out lead
    Env("AUDIT_", command=False),
    Toml("audit.toml", search_parents=True, use_commands_as_keys=False),
    Toml("pyproject.toml", root_keys=["tool", "audit"], search_parents=True, use_commands_as_keys=False),
]


def _panel(title: str) -> Parameter:
    """A group of settings as flags, in a panel of the help page."""
    return Parameter(name="*", group=Group.create_ordered(title))


COMMAND = _panel("Command")  # what one command alone takes
DATA = _panel("Data")
NOISE = _panel("Noise")
TRAINING = _panel("Training")
DETECTION = _panel("Detection")
REPORT = _panel("Report")
RUN = _panel("Run")
GATES = _panel("Gates")
