"""The reason why a row has its kind: one sentence with numbers, from the features of the row."""

from dataclasses import dataclass

import numpy as np

from audit.kinds.kind_features import NEIGHBOURS, KindFeatures, ReferenceData
from audit.types import Conflicts, Labels, Rows

FAR = 1.5  # times the usual distance to the neighbours, from which a reason mentions it
UNUSUAL = 2.0  # spreads from the median of the class, from which a statistic is mentioned
SHAPES = {  # statistic of the shape: words for a large and for a small value
    "slant": ("slanted", "slanted"),
    "turn": ("turned", "turned"),
    "width": ("wide", "narrow"),
    "height": ("tall", "flat"),
    "long": ("long", "round"),
    "stroke": ("thick", "thin"),
    "off centre": ("off centre", "near the centre"),
    "words": ("long", "short"),
    "word length": ("of long words", "of short words"),
    "capitals": ("in capitals", "without capitals"),
    "repeats": ("repetitive", "without repetitions"),
    "known words": ("of common words", "of words that no other text has"),
    "known pairs": ("of common phrases", "of words that stand in an unusual order"),
}
MEASURED = {  # defect: the statistic that shows it, and how its value and the usual value read
    "stray marks": ("stray", "{:.0%} of the ink lies apart, usual are {:.0%}"),
    "low contrast": ("contrast", "contrast {:.2f}, usual is {:.2f}"),
    "cut off": ("border", "ink of {:.2f} along one side, usual is {:.2f}"),
    "blank": ("ink", "mean ink {:.3f}, usual is {:.3f}"),
    "blurred": ("edges", "edges {:.3f}, usual are {:.3f}"),
    "inverted": ("ground", "ground of brightness {:.2f}, usual is {:.2f}"),
    "covered": ("even", "{:.0%} of it one even part, usual are {:.0%}"),
    "broken strokes": ("pieces", "{:.0f} pieces, usual are {:.0f}"),
    "empty": ("words", "{:.0f} words, usual are {:.0f}"),
    "cut off text": ("words", "{:.0f} words, usual are {:.0f}"),
    "garbled": ("known words", "{:.0%} of its words are in other texts, usual are {:.0%}"),
    "wrong encoding": ("known words", "{:.0%} of its words are in other texts, usual are {:.0%}"),
    "repeated word": ("repeats", "{:.0%} of its words stand in it before, usual are {:.0%}"),
    "specks": ("stray", "{:.0%} of the ink lies apart, usual are {:.0%}"),
    "noisy": ("noise", "grain {:.3f}, usual is {:.3f}"),
}
STROKE_WIDTH = ("thick strokes", "thin strokes")


@dataclass(frozen=True, eq=False)
class Explanations:
    """Reasons for the kinds of rows (m,)."""

    reference: ReferenceData
    rows: Rows
    labels: Labels
    features: KindFeatures
    conflicts: Conflicts  # of all rows of the data
    original: Labels  # (n,) the labels that conflict

    def reason(self, i: int, kind: str, defect: str) -> str:
        """Explain why the i-th row is of that kind; `defect` is the synthetic defect it resembles most."""
        first, second = (self.reference.class_names[label] for label in self.features.top[i])
        given = self.reference.class_names[self.labels[i]]
        p_first = self.features.probability["first"][i]
        p_second = self.features.probability["second"][i]
        match kind:
            case "mislabelled":
                text = f"looks like {first}: {p_first:.2f}{self._like_neighbours(i)}"
            case "ambiguous":
                text = f"between {first} and {second}: {p_first:.2f} / {p_second:.2f}"
            case "atypical":
                text = f"unusual for {given}: {self._shape(i) or self._distance(i) or 'as if ' + defect}"
            case "low quality":
                text = self._quality(i, defect)
            case "duplicate":
                text = f"a duplicate of it is labelled {self._other_labels(i)}"
            case "off-topic":
                far = self._distance(i) or f"as if {defect}"
                text = f"like no class: {far}, at best {first}: {p_first:.2f}"
            case _:
                text = f"nothing unusual beside the label: {first} {p_first:.2f}, {second} {p_second:.2f}"
        return text

    def _other_labels(self, i: int) -> str:
        """The other labels among the duplicates of a row."""
        group = self.conflicts.groups[self.conflicts.rows == self.rows[i]]
        duplicates = self.conflicts.rows[np.isin(self.conflicts.groups, group)]
        others = np.setdiff1d(self.original[duplicates], self.labels[i])
        return " and ".join(self.reference.class_names[label] for label in others)

    def _like_neighbours(self, i: int) -> str:
        share = self.features.neighbour["same as first"][i]
        if np.isnan(share):
            return ""
        return f", as are {share * NEIGHBOURS:.0f} of its {NEIGHBOURS} neighbours"

    def _distance(self, i: int) -> str:
        """The distance to its neighbours, if it is farther than usual."""
        distance = self.features.neighbour["distance"][i]
        if not distance > FAR:  # or unknown
            return ""
        return f"{distance:.1f} × as far from its neighbours as usual"

    def _shape(self, i: int) -> str:
        """The most unusual statistic of its shape, compared with the class that it is labelled as."""
        if not self.features.names:
            return ""
        median, spread = self.reference.usual
        label = self.labels[i]
        away = {}
        for column, name in enumerate(self.features.names):
            if name in SHAPES:
                value = self.features.values[i, column]
                away[name] = float((value - median[label, column]) / spread[label, column])
        most = max(away, key=lambda name: abs(away[name]))
        if abs(away[most]) < UNUSUAL:
            return ""
        large, small = SHAPES[most]
        word = small if away[most] < 0 else large
        return f"{word}, {abs(away[most]):.1f} spreads from the median"

    def _quality(self, i: int, defect: str) -> str:
        if not self.features.names:
            return f"values {defect}: {self._distance(i) or 'unlike its neighbours'}"
        if defect in STROKE_WIDTH:
            width, usual = self._measured(i, "stroke")
            return f"{defect}: {width / max(usual, 0.1):.1f} × the median width"
        if defect in MEASURED:
            name, words = MEASURED[defect]
            return f"{defect}: {words.format(*self._measured(i, name))}"
        return defect

    def _measured(self, i: int, name: str) -> tuple[float, float]:
        """A statistic of the row, and its median in the row's likeliest class."""
        median, _ = self.reference.usual
        usual = median[self.features.top[i, 0], self.features.names.index(name)]
        return float(self.features.statistic(name)[i]), float(usual)
