/** An OpenAPI document as Redocly sees it: what its rules for the specification find wrong. */
import { createConfig, lintFromString } from "@redocly/openapi-core";

/** The rules that are the specification's, not one of taste. */
const rules = [
  "struct",
  "no-unresolved-refs",
  "spec-strict-refs",
  "spec-components-invalid-map-name",
  "operation-operationId-unique",
  "operation-operationId-url-safe",
  "operation-parameters-unique",
  "path-parameters-defined",
  "path-declaration-must-exist",
  "path-not-include-query",
  "no-identical-paths",
  "no-path-trailing-slash",
  "no-enum-type-mismatch",
  "no-example-value-and-externalValue",
  "no-server-trailing-slash",
  "no-undefined-server-variable",
  "no-duplicated-tag-names",
  "operation-tag-defined",
  "operation-2xx-response",
  "security-defined",
];

/** @returns a line for each fault */
export async function lintOpenApi(document: object): Promise<string[]> {
  // Without authentication there is nothing for "security-defined" to find.
  const asked = "security" in document ? rules : rules.filter((rule) => rule !== "security-defined");
  const config = await createConfig({ rules: Object.fromEntries(asked.map((rule) => [rule, "error" as const])) });
  const problems = await lintFromString({ source: JSON.stringify(document), absoluteRef: "openapi.json", config });
  return problems.map(({ ruleId, message, location }) => `${ruleId} ${location[0]?.pointer ?? ""}: ${message}`);
}
