// Handlers written by hand for the same lists with node:http and pg: `node handlers.js URL CONNECTIONS` prints their
// address.

import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import pg from "pg";

const [url, connections] = process.argv.slice(2);
const pool = new pg.Pool({ connectionString: url, max: Number(connections) });

const LISTED = `
  select measured_at as "measuredAt", recorded_at as "recordedAt", latitude, longitude, pm2_5 as "pm25", pm10,
         time_uncertainty_s as "timeUncertainty"
  from measurement where device_id = (select device_id from device where key = $1)
  order by measured_at desc, seq desc limit $2`;

async function listed(key, count) {
  return (await pool.query({ name: "listed", text: LISTED, values: [key, count] })).rows;
}

const DEVICES = `select device_id, key, name from device order by key limit 50`;

const LATEST = `
  select m.device_id, m.measured_at as "measuredAt", m.pm2_5 as "pm25", m.pm10
  from latest join measurement m using (device_id, measured_at, seq) where device_id = any($1)`;

const NEWEST = `
  select m.* from unnest($1::bigint[]) as wanted (device_id) cross join lateral (
    select device_id, measured_at as "measuredAt", pm2_5 as "pm25", pm10 from measurement
    where measurement.device_id = wanted.device_id order by measured_at desc, seq desc limit 10) as m`;

async function nested() {
  const devices = (await pool.query({ name: "devices", text: DEVICES })).rows;
  const ids = devices.map((device) => device.device_id);
  const [latest, newest] = await Promise.all([
    pool.query({ name: "latest", text: LATEST, values: [ids] }),
    pool.query({ name: "newest", text: NEWEST, values: [ids] }),
  ]);
  const ofDevices = Map.groupBy(newest.rows, (sample) => sample.device_id);
  const latestOf = new Map(latest.rows.map((sample) => [sample.device_id, sample]));
  const fields = (sample) => sample && { measuredAt: sample.measuredAt, pm25: sample.pm25, pm10: sample.pm10 };
  return devices.map(({ device_id, key, name }) => ({
    key,
    name,
    latest: fields(latestOf.get(device_id)) ?? null,
    measurements: (ofDevices.get(device_id) ?? []).map(fields),
  }));
}

const server = createServer(async (request, response) => {
  try {
    const count = /^\/listed\/(\d+)$/.exec(request.url)?.[1];
    const body = JSON.stringify(await (count ? listed(await text(request), Number(count)) : nested()));
    response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(body) }).end(body);
  } catch (error) {
    console.error(error);
    response.writeHead(500, { "content-length": 0 }).end();
  }
});
server.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}`));
