#!/usr/bin/env python3
"""Hourly means of a device as a pandas DataFrame. Needs pandas.

    AIRGRAPH_URL=http://127.0.0.1:8000 python3 to_pandas.py balcony 2026-05-01T00:00:00Z 2026-06-01T00:00:00Z
"""

import json
import os
import sys
import urllib.request

import pandas

QUERY = """
query ($key: String!, $from: DateTime!, $to: DateTime!) {
  device(key: $key) {
    statistics(every: HOUR, filter: { measuredAt: { from: $from, to: $to } }) {
      start count coverage pm25 { mean min max } pm10 { mean min max }
    }
  }
}
"""


def hourly_means(key, start, end):
    """PM2.5 and PM10 in µg/m³. An hour without measurements has no row."""
    body = {"query": QUERY, "variables": {"key": key, "from": start, "to": end}}
    request = urllib.request.Request(
        os.environ["AIRGRAPH_URL"] + "/graphql",
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as response:
        answer = json.load(response)
    if "errors" in answer:
        raise SystemExit(answer["errors"][0]["message"])
    if answer["data"]["device"] is None:
        raise SystemExit(f"no device has the key {key}")
    frame = pandas.json_normalize(answer["data"]["device"]["statistics"])
    if frame.empty:
        return frame
    frame["start"] = pandas.to_datetime(frame["start"])
    return frame.set_index("start")


if __name__ == "__main__":
    print(hourly_means(*sys.argv[1:4]))
