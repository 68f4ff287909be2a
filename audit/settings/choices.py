"""The kinds of suspects, by the names that flags, tables and pages share."""

from audit.errors import ConfigError

KINDS = ("mislabelled", "ambiguous", "atypical", "low quality", "duplicate", "off-topic", "none")
DEFAULT_TRUTH = "consensus"  # what "wrong" means in labels that the tool did not change
PLANTED_KINDS = tuple(kind for kind in KINDS if kind != "duplicate")  # of which examples can be made


def kinds_in(text: str | None) -> tuple[str, ...]:
    """The kinds in a list with commas, all when there is none; ConfigError for one that does not exist."""
    names = tuple(name.strip() for name in str(text or "").split(",") if name.strip())
    for name in names:
        if name not in KINDS:
            raise ConfigError(f"--kinds must be some of {', '.join(KINDS)}, with commas, found {name!r}")
    return names or KINDS
