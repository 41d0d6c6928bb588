import devices from "./examples/01-devices.graphql?raw";
import measurements from "./examples/02-measurements.graphql?raw";
import pages from "./examples/03-pages.graphql?raw";
import statistics from "./examples/04-statistics.graphql?raw";
import cells from "./examples/05-cells.graphql?raw";
import trips from "./examples/06-trips.graphql?raw";
import index from "./examples/07-index.graphql?raw";
import record from "./examples/08-record.graphql?raw";
import live from "./examples/09-live.graphql?raw";
import type { ExampleData } from "./exampleData";

/** A tab of the playground: a document and its variables as JSON text. */
export interface Tab {
  query: string;
  variables?: string;
}

/** The tabs of a first visit, with variables that fit the stored data; GraphiQL names each after its operation. */
export function exampleTabs({ fixed, mobile, limit }: ExampleData): Tab[] {
  return [
    tab(devices),
    tab(measurements, { limit }),
    tab(pages),
    tab(statistics, { device: fixed.key, from: fixed.from, to: fixed.to }),
    tab(cells, {
      latitude: mobile.latitude,
      longitude: mobile.longitude,
      from: mobile.from,
      to: mobile.to,
    }),
    tab(trips, { devices: [mobile.key], from: mobile.from, to: mobile.to }),
    tab(index, { device: fixed.key, at: fixed.to }),
    tab(record),
    tab(live),
  ];
}

function tab(query: string, variables?: Record<string, unknown>): Tab {
  return variables ? { query, variables: JSON.stringify(variables, null, 2) } : { query };
}
