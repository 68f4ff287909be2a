"""The templates of pages: one Jinja environment, the style sheet, and hashes for the security policy."""

import base64
import hashlib
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from audit.report.telling_words import pieces
from audit.wording import figure_name, interval, look_wrong, number, percent

if TYPE_CHECKING:
    from jinja2 import Environment, Template
    from markupsafe import Markup

FOLDER = Path(__file__).parent / "templates"


def template(name: str) -> "Template":
    """Load a template by the name of its file."""
    return _environment().get_template(name)


def text(name: str) -> str:
    """Read a style sheet or a script by the name of its file."""
    return (FOLDER / name).read_text(encoding="utf-8")


def source_hash(inline: str) -> str:
    """The source expression by which a content security policy allows this very style sheet or script."""
    digest = hashlib.sha256(inline.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _encoded(content: str) -> str:
    """The text in base64: against a glance, not against a person who wants to read it."""
    return base64.b64encode(content.encode()).decode()


def _marked(sentence: str) -> "Markup":
    """The sentence with its counts marked, those that begin a clause."""
    from markupsafe import Markup, escape  # noqa: PLC0415  only a report needs it

    return Markup(re.sub(r"(^|; |\. )([\d,]+)", r"\1<em>\2</em>", str(escape(sentence))))  # noqa: S704  escaped


def _accented(sentence: str) -> "Markup":
    """The sentence with its figures in per cent or points marked, but for those at which something was."""
    from markupsafe import Markup, escape  # noqa: PLC0415  only a report needs it

    figure = r"(?<!at )(?<![\d.,+−])[+−]?\d[\d.,]*(?: %| points)"
    return Markup(re.sub(figure, r"<em>\g<0></em>", str(escape(sentence))))  # noqa: S704  escaped


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415  only a report needs it

    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "accented": _accented,
        "encoded": _encoded,
        "figure_name": figure_name,
        "interval": interval,
        "look_wrong": look_wrong,
        "marked": _marked,
        "number": number,
        "percent": percent,
        "pieces": pieces,
        "thousands": "{:,}".format,
    }
    return environment
