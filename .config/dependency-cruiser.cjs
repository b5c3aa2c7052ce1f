/**
 * The import rules of docs/architecture.md, checked. A rule reads: what stands in `from` must not import what stands in `to`.
 */
const only = (name, from, allowed, comment) => ({
  name,
  severity: "error",
  comment,
  from: { path: from },
  to: { path: "^src/", pathNot: allowed },
});

module.exports = {
  forbidden: [
    {
      name: "no-cycles",
      severity: "error",
      comment: "A cycle means two ideas that are one, or one that is two.",
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
    },
    {
      name: "no-dev-dependencies",
      severity: "error",
      comment: "What ships must not need what does not ship.",
      from: { path: "^src/" },
      to: { dependencyTypes: ["npm-dev"], dependencyTypesNot: ["type-only"] },
    },
    {
      name: "nothing-imports-tests",
      severity: "error",
      comment: "Tests and benches look in; nothing looks out.",
      from: { path: "^src/" },
      to: { path: "^(test|bench)/" },
    },
    only("core-alone", "^src/core/", ["^src/core/"], "core imports nothing of ours."),
    only("wire-only-core", "^src/wire/", ["^src/core/", "^src/wire/"], "wire knows bytes, not RPC."),
    only("schema-only-core", "^src/schema/", ["^src/core/", "^src/schema/"], "schema knows types, not sockets."),
    only("telemetry-only-core", "^src/telemetry/", ["^src/core/", "^src/telemetry/"], "telemetry records; it does not steer."),
    only(
      "protocols",
      "^src/protocols/([^/]+)/",
      ["^src/core/", "^src/schema/", "^src/wire/", "^src/protocols/$1/", "^src/protocols/shared/", "^src/protocols/[^/]+\\.ts$"],
      "Protocols never import one another; what they share is in protocols/shared.",
    ),
    only(
      "policies",
      "^src/policies/(?!index|policy)([^/.]+)",
      ["^src/core/", "^src/telemetry/", "^src/identity/", "^src/expressions/", "^src/policies/policy\\.ts$", "^src/policies/$1/"],
      "A policy never imports a policy, a protocol or wire.",
    ),
    only(
      "identity",
      "^src/identity/",
      ["^src/core/", "^src/schema/", "^src/identity/"],
      "identity judges credentials; it does not know where they came from.",
    ),
    only("expressions", "^src/expressions/", ["^src/core/", "^src/expressions/"], "An expression knows its variables, not who asks."),
    only(
      "config",
      "^src/config/",
      ["^src/core/", "^src/config/", "^src/policies/", "^src/telemetry/", "^src/upstream/balancers/"],
      "config knows what can be set, not how it runs.",
    ),
    only("discovery", "^src/discovery/", ["^src/core/", "^src/discovery/"], "discovery finds endpoints; it does not call them."),
    only(
      "registry",
      "^src/registry/",
      ["^src/core/", "^src/schema/", "^src/registry/"],
      "The registry keeps what is registered; it does not know how it is asked.",
    ),
    only("docs-page", "^src/docs-page/", ["^src/docs-page/(?!page-files)"], "The page runs in a browser: all it knows is the document."),
    only(
      "upstream",
      "^src/upstream/",
      ["^src/core/", "^src/wire/", "^src/protocols/", "^src/upstream/", "^src/schema/"],
      "upstream reaches hosts through protocols.",
    ),
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "require", "node", "default", "types"],
      extensions: [".ts", ".js", ".mjs", ".cjs", ".json"],
    },
  },
};
