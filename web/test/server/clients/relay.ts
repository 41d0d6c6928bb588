// Operations as relay-compiler compiles them, and an environment that sends them.
import { spawnSync } from "node:child_process";
import { copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { type ConcreteRequest, Environment, Network, RecordSource, Store } from "relay-runtime";

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** Compiles operations, each of which has a name that begins with `operations`. */
export async function compile(operations: Record<string, string>): Promise<Record<string, ConcreteRequest>> {
  const folder = await mkdtemp(join(tmpdir(), "airgraph-relay-"));
  try {
    await mkdir(join(folder, "src"));
    const tagged = Object.values(operations).map((text) => `graphql\`${text}\`;`);
    await writeFile(join(folder, "src/operations.js"), `import { graphql } from "relay-runtime";\n${tagged.join("\n")}`);
    await copyFile(path("../../../../schema.graphql"), join(folder, "schema.graphql"));
    await writeFile(join(folder, "package.json"), '{ "type": "module" }');
    const config = { src: "./src", schema: "./schema.graphql", language: "javascript", eagerEsModules: true };
    await writeFile(join(folder, "relay.config.json"), JSON.stringify(config));
    const compiler = path("../../../node_modules/relay-compiler/cli.js");
    const { status, stdout, stderr } = spawnSync(process.execPath, [compiler, "relay.config.json"], {
      cwd: folder,
      encoding: "utf8",
    });
    if (status !== 0) {
      throw new Error(`relay-compiler: ${stdout}${stderr}`);
    }
    const artifacts = Object.keys(operations).map(async (name) => {
      const artifact = join(folder, `src/__generated__/${name}.graphql.js`);
      return [name, ((await import(pathToFileURL(artifact).href)) as { default: ConcreteRequest }).default] as const;
    });
    return Object.fromEntries(await Promise.all(artifacts));
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** An environment as Relay's documentation makes it. */
export function environment(url: string, headers: Record<string, string>): Environment {
  const network = Network.create(async ({ text }, variables) => {
    const response = await fetch(`${url}/graphql`, {
      method: "POST",
      headers: { ...headers, "content-type": "application/json" },
      body: JSON.stringify({ query: text, variables }),
    });
    return response.json();
  });
  return new Environment({ network, store: new Store(new RecordSource()) });
}
