/** The pages: every relative link leads somewhere, and every configuration shown is one that the program takes. */
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { loadConfig } from "../../../src/config/load-config.ts";

const root = join(import.meta.dirname, "../../..");

function pagesIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (entry.name === "node_modules" || entry.name.startsWith(".") || entry.name === "dist") return [];
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return pagesIn(path);
    return entry.name.endsWith(".md") ? [path] : [];
  });
}

describe("pages", () => {
  for (const page of pagesIn(root)) {
    const text = readFileSync(page, "utf8");
    const name = relative(root, page);

    it(`${name}: links lead somewhere`, () => {
      const prose = text.replace(/```[\s\S]*?```/g, "");
      for (const [, target] of prose.matchAll(/\]\(([^)\s]+)\)/g)) {
        if (/^[a-z]+:/.test(target!) || target!.startsWith("#")) continue;
        const path = join(dirname(page), decodeURIComponent(target!.split("#")[0]!));
        assert.ok(existsSync(path), `${target!} does not exist`);
        if (path.endsWith("/")) assert.ok(statSync(path).isDirectory());
      }
    });

    const examples = [...text.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, yaml]) => yaml!);
    examples.forEach((yaml, i) =>
      it(`${name}: example ${i + 1} is taken`, async () => {
        const folder = mkdtempSync(join(tmpdir(), "dragoman-docs-"));
        try {
          const file = join(folder, "dragoman.yaml");
          // An example of one part stands in a whole that has an upstream.
          writeFileSync(file, /^inbound:/m.test(yaml) ? yaml : `${yaml}\ninbound: {upstream: "grpc://127.0.0.1:50051"}\n`);
          await loadConfig({ file });
        } finally {
          rmSync(folder, { recursive: true });
        }
      }),
    );
  }
});
