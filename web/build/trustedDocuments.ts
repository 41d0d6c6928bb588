// The documents of the pages, as a manifest of trusted documents.
import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import { resolve } from "node:path";
import { type DocumentInput, stringifyDocument } from "@urql/core";
import { type Plugin, runnerImport } from "vite";

const generated = resolve(import.meta.dirname, "../src/graphql/generated");

/** Document texts by SHA-256, exactly as the pages send them. */
export async function trustedDocuments(): Promise<Record<string, string>> {
  const manifest: Record<string, string> = {};
  for (const file of readdirSync(generated).sort()) {
    const { module } = await runnerImport<Record<string, DocumentInput>>(resolve(generated, file));
    for (const [name, document] of Object.entries(module)) {
      if (name.endsWith("Document") && typeof document !== "string") {
        const text = stringifyDocument(document);
        manifest[createHash("sha256").update(text).digest("hex")] = text;
      }
    }
  }
  return manifest;
}

/** Writes the manifest beside the pages, as `documents.json`. */
export function trustedDocumentsPlugin(): Plugin {
  return {
    name: "trusted-documents",
    apply: "build",
    async generateBundle() {
      const source = `${JSON.stringify(await trustedDocuments(), null, 2)}\n`;
      this.emitFile({ type: "asset", fileName: "documents.json", source });
    },
  };
}
