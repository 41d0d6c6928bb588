import devices from "./examples/01-devices.graphql?raw";
import measurements from "./examples/02-measurements.graphql?raw";
import pages from "./examples/03-pages.graphql?raw";
import record from "./examples/04-record.graphql?raw";
import live from "./examples/05-live.graphql?raw";

/** The tabs of a first visit; GraphiQL names each after its operation. */
export const exampleTabs = [devices, measurements, pages, record, live].map((query) => ({ query }));
