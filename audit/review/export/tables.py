"""Suspects as tables: CSV, and JSON Lines."""

import json
from dataclasses import fields
from typing import Any

from audit.review.export.suspects import Suspect, suspects
from audit.runs.folder import RunRecord
from audit.runs.tables import csv_text


def csv_table(record: RunRecord) -> str:
    """Write a CSV with a line for each suspect, of texts with the text where the run kept it."""
    import pandas as pd  # noqa: PLC0415  slow to import

    columns = [each.name for each in fields(Suspect) if each.name != "votes" or record.votes is not None]
    if record.data.get("texts"):
        columns.append("text")
    return csv_text(pd.DataFrame(_lines(record), columns=columns))


def json_lines(record: RunRecord) -> str:
    """Write a JSON object for each suspect, one a line, of texts with the text where the run kept it."""
    lines = [json.dumps(line, ensure_ascii=False) for line in _lines(record)]
    return "".join(f"{line}\n" for line in lines)


def _lines(record: RunRecord) -> list[dict[str, Any]]:
    """The fields of each suspect."""
    found = suspects(record)
    if not record.data.get("texts"):
        return [suspect.to_json() for suspect in found]
    kept = zip(record.thumbnails.rows.tolist(), record.thumbnails.unusual, strict=True)
    text_of = {int(record.rows[row]): features[0].value for row, features in kept if features}
    return [{**suspect.to_json(), "text": text_of.get(suspect.row)} for suspect in found]
