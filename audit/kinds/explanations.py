"""Why a row is called what it is called: one sentence, with numbers, from the evidence."""

from dataclasses import dataclass

import numpy as np

from audit.kinds.evidence import NEIGHBOURS, OPINIONS, SURROUNDINGS, Data, Evidence
from audit.kinds.statistics import STATISTICS
from audit.types import Labels, Rows

FAR = 1.5  # times the usual distance to the neighbours, from which it is worth saying
UNUSUAL = 2.0  # spreads from the median of the class, from which a statistic is
FORM = {  # statistics that say something of the shape → how a large and a small one is called
    "slant": ("slanted", "slanted"),
    "turn": ("turned", "turned"),
    "width": ("wide", "narrow"),
    "height": ("tall", "flat"),
    "long": ("long", "round"),
    "stroke": ("thick", "thin"),
    "off centre": ("off centre", "near the centre"),
}
MEASURED = {  # planted defect → the statistic that shows it, and what to call that
    "stray marks": ("stray", "{:.0%} of the ink lies apart, usual are {:.0%}"),
    "low contrast": ("contrast", "contrast {:.2f}, usual is {:.2f}"),
    "cut off": ("border", "ink of {:.2f} along one side, usual is {:.2f}"),
    "blank": ("ink", "mean ink {:.3f}, usual is {:.3f}"),
    "blurred": ("edges", "edges {:.3f}, usual are {:.3f}"),
    "inverted": ("ground", "ground of brightness {:.2f}, usual is {:.2f}"),
    "covered": ("even", "{:.0%} of it one even part, usual are {:.0%}"),
    "broken strokes": ("pieces", "{:.0f} pieces, usual are {:.0f}"),
    "specks": ("stray", "{:.0%} of the ink lies apart, usual are {:.0%}"),
    "noisy": ("noise", "grain {:.3f}, usual is {:.3f}"),
}
STROKE_WIDTH = ("thick strokes", "thin strokes")


@dataclass(frozen=True, eq=False)
class Twins:
    """Duplicates with different labels."""

    rows: Rows  # (t,)
    group: Rows  # (t,) the same for duplicates of each other
    labels: Labels  # (t,)

    def others(self, row: int, label: int) -> list[int]:
        """The labels that duplicates of a row have beside its own."""
        group = self.group[self.rows == row]
        return [each for each in np.unique(self.labels[np.isin(self.group, group)]).tolist() if each != label]


@dataclass(frozen=True, eq=False)
class Reasons:
    """Sentences about rows (m,)."""

    data: Data
    rows: Rows
    labels: Labels
    evidence: Evidence
    twins: Twins

    def of(self, i: int, kind: str, defect: str) -> str:
        """Why the i-th row is of that kind; the defect is the planted one that it resembles most."""
        first, second = (self.data.class_names[label] for label in self.evidence.top[i])
        given = self.data.class_names[self.labels[i]]
        top, next_best = (self._opinion(i, name) for name in ("first", "second"))
        say = {
            "mislabelled": lambda: f"looks like {first}: {top:.2f}{self._as_neighbours(i)}",
            "ambiguous": lambda: f"between {first} and {second}: {top:.2f} / {next_best:.2f}",
            "atypical": lambda: f"unusual for {given}: {self._form(i) or self._far(i) or 'as if ' + defect}",
            "low quality": lambda: self._quality(i, defect),
            "duplicate": lambda: f"a duplicate of it is labelled {self._others(i)}",
            "off-topic": lambda: (
                f"like no class: {self._far(i) or 'as if ' + defect}, at best {first}: {top:.2f}"
            ),
            "none": lambda: f"nothing unusual beside the label: {first} {top:.2f}, {second} {next_best:.2f}",
        }
        return say[kind]()

    def _others(self, i: int) -> str:
        others = self.twins.others(int(self.rows[i]), int(self.labels[i]))
        return " and ".join(self.data.class_names[label] for label in others)

    def _as_neighbours(self, i: int) -> str:
        near = self._surrounding(i, "same as first")
        return "" if np.isnan(near) else f", as are {near * NEIGHBOURS:.0f} of its {NEIGHBOURS} neighbours"

    def _opinion(self, i: int, name: str) -> float:
        return float(self.evidence.opinions[i, OPINIONS.index(name)])

    def _surrounding(self, i: int, name: str) -> float:
        return float(self.evidence.surroundings[i, SURROUNDINGS.index(name)])

    def _far(self, i: int) -> str:
        """How far its neighbours are, where that is farther than usual."""
        far = self._surrounding(i, "distance")
        return f"{far:.1f} × as far from its neighbours as usual" if far > FAR else ""

    def _form(self, i: int) -> str:
        """What is most unusual in its shape for the class that it is labelled as."""
        if not self.evidence.away.shape[1]:
            return ""
        columns = [STATISTICS.index(name) for name in FORM]
        middle, spread = (each[self.labels[i], columns] for each in self.data.usual)
        found = (self.evidence.measures[i, columns] - middle) / spread
        away = dict(zip(FORM, found.tolist(), strict=True))
        most = max(away, key=lambda name: abs(away[name]))
        if abs(away[most]) < UNUSUAL:
            return ""
        return f"{FORM[most][away[most] < 0]}, {abs(away[most]):.1f} spreads from the median"

    def _quality(self, i: int, defect: str) -> str:
        if not self.evidence.away.shape[1]:
            return f"values {defect}: {self._far(i) or 'unlike its neighbours'}"
        if defect in STROKE_WIDTH:
            here, usual = self._measure(i, "stroke")
            return f"{defect}: {here / max(usual, 0.1):.1f} × the median width"
        if defect in MEASURED:
            name, words = MEASURED[defect]
            return f"{defect}: {words.format(*self._measure(i, name))}"
        return defect

    def _measure(self, i: int, name: str) -> tuple[float, float]:
        """A statistic of the row, and its median in the class that the row looks like most."""
        column = STATISTICS.index(name)
        middle, _ = self.data.usual
        return float(self.evidence.measures[i, column]), float(middle[self.evidence.top[i, 0], column])
