#!/usr/bin/env python3
"""Measurements of a time span as a pandas DataFrame, with the units of its columns. Needs pandas and pyarrow.

    AIRGRAPH_URL=http://127.0.0.1:8000 python3 export_pandas.py 2026-05-01T00:00:00Z 2026-06-01T00:00:00Z
"""

import io
import json
import os
import sys
import urllib.parse
import urllib.request

import pandas
import pyarrow.parquet


def export(what, **parameters):
    """The rows as a table. A file that is not complete can't be read, since it has no footer."""
    url = f"{os.environ['AIRGRAPH_URL']}/export/{what}.parquet?{urllib.parse.urlencode(parameters, doseq=True)}"
    headers = {"Authorization": f"Bearer {os.environ['AIRGRAPH_KEY']}"} if "AIRGRAPH_KEY" in os.environ else {}
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=60) as response:
        return pyarrow.parquet.read_table(io.BytesIO(response.read()))


def units(table):
    """Unit of each column that has one, in UCUM."""
    description = json.loads(table.schema.metadata[b"airgraph.table"])
    columns = description["tableSchema"]["columns"]
    return {column["name"]: column["schema:unitText"] for column in columns if "schema:unitText" in column}


if __name__ == "__main__":
    measurements = export("measurements", **{"from": sys.argv[1], "to": sys.argv[2]}, notFlags="OUT_OF_RANGE")
    print(units(measurements))
    frame = measurements.to_pandas().set_index("measured_at")
    if not frame.empty:
        print(frame.groupby("device")["pm2_5"].resample("1h").mean())
