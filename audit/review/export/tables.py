"""Suspects as tables: CSV, and a JSON document a line."""

import csv
import io
import json
from dataclasses import asdict, fields

from audit.review.export.suspects import Suspect, suspects
from audit.runs.folder import RunRecord


def csv_table(record: RunRecord) -> str:
    """One line of names, then a line a suspect."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, [field.name for field in fields(Suspect)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(each) for each in suspects(record))
    return text.getvalue()


def json_lines(record: RunRecord) -> str:
    """A JSON object a line."""
    return "".join(json.dumps(asdict(each), ensure_ascii=False) + "\n" for each in suspects(record))
