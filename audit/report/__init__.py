"""The report of a run: numbers first (sections), then pictures (charts, sprites), then the page."""
