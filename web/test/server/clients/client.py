"""The client `gql` against a gateway: python client.py URL KEY DEVICE. Prints each outcome as a line of JSON."""

import asyncio
import json
import sys

from gql import Client, gql
from gql.transport.aiohttp import AIOHTTPTransport
from gql.transport.exceptions import TransportError, TransportQueryError
from gql.transport.websockets import WebsocketsTransport

url, key, device = sys.argv[1:4]
headers = {"Authorization": f"Bearer {key}"}
RETRY_DELAY = 0.1  # seconds
MAX_RETRIES = 600


def report(name, value):
    print(json.dumps({name: value}), flush=True)


def request(document, **variables):
    document = gql(document)
    document.variable_values = variables
    return document


async def over_http():
    transport = AIOHTTPTransport(url=f"{url}/graphql", headers=headers)
    # Reads the schema, and validates the requests with it.
    async with Client(transport=transport, fetch_schema_from_transport=True) as session:
        query = "query ($key: String!) { device(key: $key) { key createdAt } }"
        report("query", (await session.execute(request(query, key=device)))["device"]["key"])
        mutation = """mutation ($input: RecordMeasurementsInput!) { recordMeasurements(input: $input) { recorded } }"""
        sample = {"device": device, "measuredAt": "2026-05-01T09:00:00Z", "pm10": 1}
        report("mutation", await session.execute(request(mutation, input={"measurements": [sample]})))
        try:
            await session.execute(request("query ($n: Int) { devices(first: $n) { totalCount } }", n=-1))
        except TransportQueryError as error:
            report("error", error.errors[0])
    async with Client(transport=transport) as session:
        try:
            await session.execute(request("{ nonsense }"))
        except TransportError as error:
            report("invalid", str(error))


async def subscribe():
    """Subscribes again after the last event when the connection is lost: see docs/resume.md."""
    subscription = """subscription ($device: String!, $after: String) {
      measurementRecorded(filter: {devices: [$device]}, after: $after) { cursor measurement { pm10 } } }"""
    after = None
    for _ in range(MAX_RETRIES):
        try:
            transport = WebsocketsTransport(url=f"{url}/graphql".replace("http", "ws", 1), init_payload=headers)
            async with Client(transport=transport) as session:
                if after is None:
                    after = (await session.execute(request("{ feedCursor }")))["feedCursor"]
                    report("subscribed", after)
                async for result in session.subscribe(request(subscription, device=device, after=after)):
                    after = result["measurementRecorded"]["cursor"]
                    report("event", result["measurementRecorded"]["measurement"]["pm10"])
        except TransportQueryError:
            raise  # CURSOR_EXPIRED, or no such field
        except (TransportError, OSError):
            pass  # the gateway is restarting
        await asyncio.sleep(RETRY_DELAY)


async def main():
    await over_http()
    await subscribe()


asyncio.run(main())
