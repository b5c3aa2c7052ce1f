/** What ships may only be under licences that ask nothing more than a notice, and the versions that must match are exact. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "../..");
const allowed = new Set(["MIT", "ISC", "BSD-2-Clause", "BSD-3-Clause", "Apache-2.0", "BlueOak-1.0.0", "0BSD"]);

interface Lock {
  packages: Record<
    string,
    { dev?: boolean; optional?: boolean; license?: string; version?: string; hasInstallScript?: boolean; resolved?: string }
  >;
}

const lock = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")) as Lock;
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as Record<
  "dependencies" | "devDependencies",
  Record<string, string>
>;
const production = Object.entries(lock.packages).filter(([path, entry]) => path !== "" && entry.dev !== true);

/** As the text in a package's own manifest says; the lock file omits it for some. */
function licenceOf(path: string, recorded: string | undefined): string {
  return recorded ?? (JSON.parse(readFileSync(join(root, path, "package.json"), "utf8")) as { license: string }).license;
}

describe("the production tree", () => {
  it("is not empty", () => assert.ok(production.length > 5));

  for (const [path, { license }] of production)
    it(`${path.replace("node_modules/", "")} has a permitted licence`, () => {
      const alternatives = licenceOf(path, license).replace(/[()]/g, "").split(" OR ");
      assert.ok(
        alternatives.some((alternative) => alternative.split(" AND ").every((name) => allowed.has(name))),
        licenceOf(path, license),
      );
    });

  it("records no download address, so that everyone installs from where they are", () => {
    assert.deepEqual(
      Object.values(lock.packages).filter(({ resolved }) => resolved !== undefined),
      [],
    );
  });

  it("pins exactly what must match", () => {
    const exact = /^\d+\.\d+\.\d+$/;
    for (const name of ["@grpc/grpc-js", "protobufjs", "undici"]) assert.match(manifest.dependencies[name]!, exact, name);
    assert.match(manifest.devDependencies["node"]!, exact);
  });

  it("holds no protobufjs with a known hole", () => {
    for (const [path, { version }] of production) {
      if (!path.endsWith("/protobufjs")) continue;
      const [major, minor, patch] = version!.split(".").map(Number) as [number, number, number];
      assert.ok(
        major > 8 || (major === 8 && (minor > 0 || patch > 0)) || (major === 7 && (minor > 5 || (minor === 5 && patch > 4))),
        version,
      );
    }
  });
});
