"""Suspects as tables: CSV, and JSON Lines."""

import json
from dataclasses import asdict, fields

from audit.review.export.suspects import Suspect, suspects
from audit.runs.folder import RunRecord
from audit.runs.tables import csv_text


def csv_table(record: RunRecord) -> str:
    """Write a CSV with a line for each suspect."""
    import pandas as pd  # noqa: PLC0415  slow to import

    columns = [field.name for field in fields(Suspect)]
    table = pd.DataFrame([asdict(suspect) for suspect in suspects(record)], columns=columns)
    return csv_text(table)


def json_lines(record: RunRecord) -> str:
    """Write a JSON object for each suspect, one a line."""
    lines = [json.dumps(asdict(suspect), ensure_ascii=False) for suspect in suspects(record)]
    return "".join(f"{line}\n" for line in lines)
