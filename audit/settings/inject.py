"""The settings of `audit inject`."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class InjectSettings:
    """What is put into a data set.

    Parameters
    ----------
    defects
        Shares of the rows that get a defect, by kind: all:0.01, or ambiguous:0.01,duplicate:0.005 and so
        on; kinds are ambiguous, atypical, low quality, duplicate and off-topic.
    other
        Another data set of images of this size, from which off-topic rows are taken too.
    """

    defects: str = "all:0.01"
    other: str | None = None
