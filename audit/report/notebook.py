"""The report as a notebook shows it: the whole page in a frame of its own."""

from dataclasses import dataclass
from html import escape


@dataclass(frozen=True)
class Frame:
    """A page and the height in pixels of the frame that it is shown in."""

    page: str
    height: int

    def _repr_html_(self) -> str:
        """The page inside the cell's output: it needs no server, and no file that the browser can reach.

        Jupyter and VS Code show it alike, of any size; its own policy still forbids it to fetch anything.
        """
        look = f"width: 100%; height: {self.height:d}px; border: 0"
        return f'<iframe title="label audit" style="{look}" srcdoc="{escape(self.page)}"></iframe>'

    def __repr__(self) -> str:
        """How large it is, where nothing shows HTML."""
        return f"<report of {len(self.page) / 1e6:.1f} MB, which a notebook shows>"
