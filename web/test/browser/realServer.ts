// The server under test: AIRGRAPH_URL, and its admin key AIRGRAPH_KEY. Without them, tests that need one are skipped.

export const realServer = process.env["AIRGRAPH_URL"]?.replace(/\/$/, "");
export const adminKey = process.env["AIRGRAPH_KEY"] ?? "";
export const hasRealServer = realServer !== undefined && adminKey !== "";

/** Sends a body to a route for sensors. */
export async function post(path: string, body: string, key = adminKey): Promise<Response> {
  return fetch(`${realServer}${path}`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body,
  });
}

/** Sends a GraphQL request as an admin; fails when it has errors. */
export async function admin<Data>(query: string, variables: Record<string, unknown> = {}): Promise<Data> {
  const response = await post("/graphql", JSON.stringify({ query, variables }));
  const { data, errors } = (await response.json()) as { data: Data; errors?: unknown };
  if (errors) {
    throw new Error(JSON.stringify(errors));
  }
  return data;
}

const MINUTE = 60_000;

/** Stores a day of a station and a ride of a bicycle, such as `airgraph demo` makes. */
export async function recordExampleData(): Promise<void> {
  const now = Math.floor(Date.now() / MINUTE) * MINUTE;
  const time = (minutesAgo: number) => new Date(now - minutesAgo * MINUTE).toISOString();
  const station = { key: "example-station", kind: "FIXED", latitude: 52.2, longitude: 0.12 };
  await admin("mutation ($input: RegisterDeviceInput!) { registerDevice(input: $input) { status } }", {
    input: station,
  });
  const samples = [
    ...Array.from({ length: 24 * 12 }, (_, index) => ({
      device: station.key,
      time: time(index * 5),
      pm10: 14 + 6 * Math.sin(index / 20),
      pm2_5: 8 + 4 * Math.sin(index / 20),
    })),
    ...Array.from({ length: 200 }, (_, index) => ({
      device: "example-bike",
      time: new Date(now - 60 * MINUTE + index * 5000).toISOString(),
      latitude: 52.2 + index * 0.0002,
      longitude: 0.12 + index * 0.0001,
      pm10: 20 + (index % 9),
      pm2_5: 11 + (index % 5),
    })),
  ];
  const response = await post("/ingest/json", JSON.stringify(samples));
  if (!response.ok) {
    throw new Error(`${response.status}: ${await response.text()}`);
  }
}
