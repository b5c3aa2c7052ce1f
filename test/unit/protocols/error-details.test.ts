/** The embedded google/rpc/error_details.proto is the one in protos/. */
import assert from "node:assert/strict";
import { errorDetailType } from "../../../src/protocols/shared/error-details.ts";
import { buildSchema } from "../../../src/schema/build-schema.ts";
import type { MessageDescriptor } from "../../../src/schema/descriptor.ts";
import { bufBuildShared } from "../../support/buf-build.ts";

describe("error details", () => {
  const fields = (type: MessageDescriptor | undefined): string[] | undefined =>
    type?.fields.map(({ name, number, cardinality, value }) => `${name} ${number} ${cardinality} ${value.kind}`);

  it("are those of the file", () => {
    const schema = buildSchema(bufBuildShared("google/rpc/error_details.proto"));
    const names = ["ErrorInfo", "RetryInfo", "DebugInfo", "QuotaFailure", "QuotaFailure.Violation", "PreconditionFailure", "BadRequest"];
    names.push("BadRequest.FieldViolation", "RequestInfo", "ResourceInfo", "Help", "Help.Link", "LocalizedMessage");
    for (const name of names) {
      const own = errorDetailType(`google.rpc.${name}`) as MessageDescriptor | undefined;
      assert.ok(own !== undefined, name);
      assert.deepEqual(fields(own), fields(schema.message(`google.rpc.${name}`)), name);
    }
    assert.equal(errorDetailType("google.rpc.Nothing"), undefined);
    assert.equal(errorDetailType("other.ErrorInfo"), undefined);
  });
});
