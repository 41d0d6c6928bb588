"""Reads an exported CSV and Parquet file with Python's csv, pyarrow and DuckDB; prints the rows of each as a line of JSON."""

import csv
import datetime
import json
import sys

import duckdb
import pyarrow.parquet

csv_path, parquet_path = sys.argv[1:]


def number(text):
    return float(text) if text else None


def timestamp(time):
    return time.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def report(reader, rows):
    print(json.dumps({"reader": reader, "rows": rows}))


with open(csv_path, newline="", encoding="utf-8") as file:
    records = list(csv.DictReader(file, strict=True))
for record in records:
    for column in ("latitude", "pm2_5", "temperature"):
        record[column] = number(record[column])
report("csv", records)

rows = pyarrow.parquet.read_table(parquet_path).to_pylist()
for row in rows:
    row["measured_at"] = timestamp(row["measured_at"])
report("pyarrow", rows)

found = duckdb.sql(
    f"select device, epoch(measured_at) as measured_at, latitude, pm2_5, temperature, flags from '{parquet_path}'"
)
rows = [dict(zip(found.columns, row)) for row in found.fetchall()]
for row in rows:
    row["measured_at"] = timestamp(datetime.datetime.fromtimestamp(row["measured_at"], datetime.timezone.utc))
report("duckdb", rows)
