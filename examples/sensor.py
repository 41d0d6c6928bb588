#!/usr/bin/env python3
"""Sends one sample to airgraph, as a sensor would. Needs only the standard library.

    AIRGRAPH_URL=http://127.0.0.1:8000 AIRGRAPH_KEY=... python3 sensor.py
"""

import json
import os
import time
import urllib.error
import urllib.request
from datetime import datetime, timezone

MAX_ATTEMPTS = 5


def measure():
    """Replace this with a reading of your sensor."""
    return {"pm10": 12.4, "pm2_5": 6.8, "temperature": 18.5}


def send(sample):
    """Sends a sample. Sending it again is harmless: it counts as a duplicate."""
    request = urllib.request.Request(
        os.environ["AIRGRAPH_URL"] + "/ingest/json",
        data=json.dumps(sample).encode(),
        headers={"Authorization": "Bearer " + os.environ["AIRGRAPH_KEY"], "Content-Type": "application/json"},
    )
    for attempt in range(MAX_ATTEMPTS):
        try:
            with urllib.request.urlopen(request, timeout=20) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            # 429 and 503 have Retry-After; other errors are permanent.
            if error.code not in (429, 503):
                raise SystemExit(f"{error.code}: {error.read().decode()}")
            delay = int(error.headers.get("Retry-After", "5"))
        except OSError:
            delay = 2**attempt
        time.sleep(delay)
    raise SystemExit(f"not sent after {MAX_ATTEMPTS} attempts")


if __name__ == "__main__":
    # The sensor sends its own time, so a repeated sample is a duplicate.
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    print(send({"device": "balcony", "time": now, "latitude": 52.2, "longitude": 0.12, **measure()}))
