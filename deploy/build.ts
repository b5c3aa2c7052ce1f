/**
 * `npm run build`: the program as plain JavaScript in dist/, one main file and the parts that are loaded when they are asked for.
 *
 * The trap: dist/dragoman.mjs, the launcher, is parsed by whatever Node is there, so it is written in old JavaScript and loads nothing new
 * before it has looked at the version. It must also build where npm itself runs on an older Node: esbuild takes the types away, not Node.
 */
import { chmodSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build, type Plugin } from "esbuild";
import { browserClientModule } from "./browser-client.ts";
import { docsPageModule } from "./docs-page.ts";

const root = join(import.meta.dirname, "..");
const dist = join(root, "dist");
/** Built beside it and moved there as a whole: a build that fails leaves the last one alone. */
const draft = join(root, ".scratch", `dist-${process.pid}`);

interface Package {
  readonly version: string;
  readonly engines: { readonly node: string };
}

const { version, engines } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as Package;

/** "22.19.0" of ">=22.19.0" */
const oldestNode = engines.node.replace(/^>=/, "");

const launcher = readFileSync(join(import.meta.dirname, "launcher.mjs"), "utf8").replace("OLDEST_NODE", oldestNode);

/** zod brings its messages in forty languages (0.3 MB, a third of the program); ours are in `src/config/explain-issue.ts`. */
const onlyEnglish: Plugin = {
  name: "only-english",
  setup(building) {
    building.onLoad({ filter: /zod\/v4\/locales\/index\.js$/ }, () => ({
      contents: 'export { default as en } from "./en.js";',
      loader: "js",
    }));
  },
};

/** The docs page travels in the program instead of being read from the sources. */
const withDocsPage: Plugin = {
  name: "docs-page",
  setup(building) {
    building.onLoad({ filter: /docs-page\/page-files\.ts$/ }, async () => ({ contents: await docsPageModule(), loader: "js" }));
  },
};

/** So does the browser client. */
const withBrowserClient: Plugin = {
  name: "browser-client",
  setup(building) {
    building.onLoad({ filter: /browser-client\/client-files\.ts$/ }, async () => ({ contents: await browserClientModule(), loader: "js" }));
  },
};

const built = build({
  absWorkingDir: root,
  entryPoints: { main: "src/cli/main.ts" },
  outdir: draft,
  outExtension: { ".js": ".mjs" },
  chunkNames: "parts/[name]-[hash]",
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node22",
  minifyWhitespace: true,
  legalComments: "external",
  logLevel: "warning",
  plugins: [onlyEnglish, withDocsPage, withBrowserClient],
  define: { DRAGOMAN_VERSION: JSON.stringify(version) },
  // Packages in CommonJS ask for Node's modules by require, which ESM does not have.
  banner: { js: 'import{createRequire as __createRequire}from"node:module";const require=__createRequire(import.meta.url);' },
});
try {
  await built;
  const start = join(draft, "dragoman.mjs");
  writeFileSync(start, launcher);
  chmodSync(start, 0o755);
  rmSync(dist, { recursive: true, force: true });
  renameSync(draft, dist);
} finally {
  rmSync(draft, { recursive: true, force: true });
}
