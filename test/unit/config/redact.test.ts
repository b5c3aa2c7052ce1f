import assert from "node:assert/strict";
import { redact } from "../../../src/config/redact.ts";

describe("redact", () => {
  const cases: readonly (readonly [unknown, unknown])[] = [
    [{ admin: { token: "t" } }, { admin: { token: "[redacted]" } }],
    [{ password: ["a"] }, { password: "[redacted]" }],
    [
      { apiKey: { header: "x-api-key", keys: [{ id: "a", hash: "sha256:00" }] } },
      { apiKey: { header: "x-api-key", keys: [{ id: "a", hash: "[redacted]" }] } },
    ],
    [{ jwks: { keys: [{ kty: "oct", k: "c2VjcmV0", kid: "1" }] } }, { jwks: { keys: [{ kty: "oct", k: "[redacted]", kid: "1" }] } }],
    [
      { list: [1, null], nothing: undefined },
      { list: [1, null], nothing: undefined },
    ],
  ];
  for (const [given, shown] of cases) it(JSON.stringify(given), () => assert.deepEqual(redact(given), shown));
});
