// PostGraphile 5 with its usual preset: `node postgraphile.js URL CONNECTIONS` prints its address.

import { createServer } from "node:http";
import { postgraphile } from "postgraphile";
import { makePgService } from "postgraphile/adaptors/pg";
import { grafserv } from "postgraphile/grafserv/node";
import { PostGraphileAmberPreset } from "postgraphile/presets/amber";

const [url, connections] = process.argv.slice(2);
const service = makePgService({ connectionString: url, schemas: ["public"], poolConfig: { max: Number(connections) } });
const gateway = postgraphile({
  extends: [PostGraphileAmberPreset],
  pgServices: [service],
  grafserv: { graphiql: false, watch: false },
});
const server = createServer();
await gateway.createServ(grafserv).addTo(server);
server.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}`));
