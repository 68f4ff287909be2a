"""The settings of `audit inject`."""

from dataclasses import dataclass

from audit.settings.fields import SettingsGroup, setting


@dataclass(frozen=True, kw_only=True)
class InjectSettings(SettingsGroup):
    """What is put into a data set."""

    defects: str = setting(
        "all:0.01",
        "Share of the rows that get a defect, by kind, as in all:0.01 or ambiguous:0.01,duplicate:0.005. "
        "Kinds: ambiguous, atypical, low quality, duplicate, off-topic.",
        decides="data",
    )
    other: str | None = setting(
        None,
        "Another data set with images of the same size, from which off-topic rows are also taken.",
        decides="data",
    )
