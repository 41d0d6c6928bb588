import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, resolve } from "node:path";
import { buildSchema, graphql } from "graphql";

/** A policy that the page works with; the real server sends the same. */
export const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "worker-src 'self'",
  "connect-src 'self'",
  "font-src 'self'",
  "img-src 'self' data:", // the wavy underline of errors
  "style-src 'self' 'unsafe-inline'", // Monaco writes <style> elements and style attributes
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** The server sits below a path here, as behind a reverse proxy. */
const PREFIX = "/city/air";

const CONTENT_TYPES: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".ttf": "font/ttf",
};

const schema = buildSchema(readFileSync(new URL("../../../schema.graphql", import.meta.url), "utf8"));

const rootValue = {
  devices: {
    nodes: [
      {
        key: "airrohr-1234567",
        name: "Balcony",
        kind: "FIXED",
        latest: {
          measuredAt: "2025-01-15T12:00:00Z",
          pm25: 7.4,
          pm10: 12.1,
          weather: { temperature: 3.2, humidity: 81.5 },
        },
      },
    ],
  },
};

export interface StubServer {
  url: string;
  /** Protocols that WebSocket clients offered; the stub accepts none of them. */
  upgrades: (string | undefined)[];
  close(): Promise<void>;
}

/** The built pages with a small GraphQL endpoint, for trying the pages without the real server. */
export async function startStubServer(): Promise<StubServer> {
  const dist = resolve(import.meta.dirname, "../../dist");
  const upgrades: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    answer(dist, request, response).catch((error: unknown) => {
      response.writeHead(500, { "content-type": "text/plain" }).end(String(error));
    });
  });
  server.on("upgrade", (request, socket) => {
    upgrades.push(request.headers["sec-websocket-protocol"]);
    socket.destroy();
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}${PREFIX}`,
    upgrades,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}

async function answer(dist: string, request: IncomingMessage, response: ServerResponse) {
  const path = request.url?.startsWith(PREFIX) ? request.url.slice(PREFIX.length) : "";
  if (request.method === "POST" && path === "/graphql") {
    const result = await execute(request);
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(result));
    return;
  }
  const file = path === "/playground" ? "/playground.html" : path;
  const type = CONTENT_TYPES[extname(file)];
  if (request.method !== "GET" || type === undefined || file.includes("..")) {
    response.writeHead(404).end();
    return;
  }
  const body = await readFile(join(dist, file));
  response
    .writeHead(200, {
      "content-type": type,
      "content-security-policy": CONTENT_SECURITY_POLICY,
      "x-content-type-options": "nosniff",
    })
    .end(body);
}

async function execute(request: IncomingMessage) {
  const chunks: Buffer[] = [];
  for await (const chunk of request) {
    chunks.push(chunk as Buffer);
  }
  const { query, variables, operationName } = JSON.parse(Buffer.concat(chunks).toString()) as {
    query: string;
    variables?: Record<string, unknown>;
    operationName?: string;
  };
  return graphql({
    schema,
    source: query,
    rootValue,
    variableValues: variables ?? null,
    operationName: operationName ?? null,
  });
}
