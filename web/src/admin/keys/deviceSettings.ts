/** A setting of a device's firmware, ready to paste. */
export interface DeviceSetting {
  id: string;
  /** Name of the firmware or network server. */
  name: string;
  /** Where to put it. */
  where: string;
  /** Fields of a form, or a text for a file or a terminal. */
  fields: { label: string; value: string }[];
  text?: string;
  /** What to know before, such as that the key is visible on the way. */
  note?: string;
  /** Page of the documentation: `docs/sensors/<page>.md`. */
  docs: string;
}

interface Parameters {
  /** URL of the gateway, with a slash at its end. */
  gateway: string;
  key: string;
  /** Key of the device; a placeholder stands for it when the API key is not bound to one. */
  device?: string;
}

/** The settings of the common firmwares for one API key. Forms and paths as in docs/sensors. */
export function deviceSettings({ gateway, key, device: boundDevice }: Parameters): DeviceSetting[] {
  const device = boundDevice ?? "my-device";
  const url = new URL(gateway);
  const base = gateway.replace(/\/$/, "");
  const isTls = url.protocol === "https:";
  const port = url.port || (isTls ? "443" : "80");
  const path = url.pathname.replace(/\/$/, "");
  const host = url.hostname;
  const inPath = encodeURIComponent(device);

  return [
    {
      id: "json",
      name: "Own firmware: JSON",
      where: "In a terminal, as a first try; then the same request from your firmware.",
      fields: [],
      text: [
        `curl ${quote(`${base}/ingest/json`)} \\`,
        `  -H ${quote(`Authorization: Bearer ${key}`)} -H 'Content-Type: application/json' \\`,
        `  -d ${quote(JSON.stringify({ device, pm10: 12.4, pm2_5: 6.8 }))}`,
      ].join("\n"),
      docs: "json",
    },
    {
      id: "airrohr",
      name: "airRohr (Sensor.Community)",
      where: "Configuration › APIs › “Send data to own API”.",
      fields: [
        { label: "Server", value: host },
        { label: "Path", value: `${path}/data.php` },
        { label: "Port", value: port },
        { label: "User", value: "sensor" },
        { label: "Password", value: key },
        ...(isTls ? [{ label: "HTTPS", value: "on" }] : []),
      ],
      note: [
        "The firmware names the device itself, in its header X-Sensor, such as esp8266-12345678.",
        ...(boundDevice === undefined
          ? []
          : [`This key records only for ${boundDevice}: if that is another name, register the device by the one in the header.`]),
      ].join(" "),
      docs: "airrohr",
    },
    {
      id: "telegraf",
      name: "Telegraf",
      where: "telegraf.conf",
      fields: [],
      text: [
        "[[outputs.influxdb]]",
        `  urls = [${JSON.stringify(base)}]`,
        "  skip_database_creation = true",
        '  username = "sensor"',
        `  password = ${JSON.stringify(key)}`,
      ].join("\n"),
      docs: "influxdb",
    },
    {
      id: "homeassistant",
      name: "Home Assistant",
      where: "configuration.yaml; choose the entities with include.",
      fields: [],
      text: [
        "influxdb:",
        `  host: ${host}`,
        `  port: ${port}`,
        ...(path === "" ? [] : [`  path: ${path}`]),
        `  ssl: ${isTls}`,
        "  username: sensor",
        `  password: ${JSON.stringify(key)}`,
        "  include:",
        `    entities: [sensor.${entity(device)}_pm2_5]`,
      ].join("\n"),
      docs: "influxdb",
    },
    {
      id: "enviro",
      name: "Pimoroni Enviro",
      where: "Provisioning page, destination “custom HTTP endpoint”; or config.py.",
      fields: [
        { label: "URL", value: `${base}/ingest/enviro/${inPath}` },
        { label: "User name", value: "sensor" },
        { label: "Password", value: key },
      ],
      docs: "enviro",
    },
    {
      id: "airgradient",
      name: "AirGradient",
      where: "Local setting httpDomain.",
      fields: [{ label: "httpDomain", value: `${url.host}${path}/key/${key}` }],
      note: "The firmware posts over plain HTTP and the key is in the path: use a key that is bound to this device.",
      docs: "airgradient",
    },
    {
      id: "sensebox",
      name: "senseBox",
      where: "In the sketch. Register the ids of its sensors with the device first.",
      fields: [
        { label: "server", value: host },
        { label: "SENSEBOX_ID", value: device },
        { label: "Authorization", value: key },
      ],
      docs: "sensebox",
    },
    {
      id: "things-stack",
      name: "The Things Stack",
      where: "Integrations › Webhooks › Custom webhook, format JSON.",
      fields: [
        { label: "Base URL", value: base },
        { label: "Header X-Api-Key", value: key },
        { label: "Path of uplink messages", value: "/ingest/things-stack" },
      ],
      docs: "lorawan",
    },
    {
      id: "chirpstack",
      name: "ChirpStack",
      where: "Application › Integrations › HTTP, payload encoding JSON.",
      fields: [
        { label: "Event endpoint", value: `${base}/ingest/chirpstack` },
        { label: "Header X-Api-Key", value: key },
      ],
      docs: "lorawan",
    },
    {
      id: "airbeam",
      name: "AirBeam Mini",
      where: "A reverse proxy at the host name of the app adds this prefix to the path.",
      fields: [{ label: "Prefix", value: `${path}/key/${key}` }],
      note: "The app sets only a host name. The key is in the path: use a key that is bound to this device.",
      docs: "airbeam",
    },
    {
      id: "csv",
      name: "CSV file",
      where: "In a terminal.",
      fields: [],
      text: [
        `curl ${quote(`${base}/ingest/csv?device=${inPath}`)} \\`,
        `  -H ${quote(`Authorization: Bearer ${key}`)} -T card.csv -X POST`,
      ].join("\n"),
      docs: "csv",
    },
  ];
}

/** The text as one word of a POSIX shell. */
function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** The name of the device as a part of an entity id. */
function entity(device: string): string {
  return device.toLowerCase().replaceAll(/[^a-z0-9]+/g, "_").replaceAll(/^_|_$/g, "");
}
