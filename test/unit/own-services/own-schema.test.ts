/** The embedded descriptors of our own services are those of the protos that are published with us. */
import assert from "node:assert/strict";
import { equals, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { compileOwn } from "../../../deploy/own-descriptors.ts";
import { ownMethodPaths, ownSchema } from "../../../src/own-services/own-schema.ts";

describe("own services", () => {
  it("have the descriptors that buf makes of protos/", function () {
    this.timeout(60_000);
    const embedded = fromBinary(FileDescriptorSetSchema, ownSchema().descriptorSet);
    const compiled = fromBinary(FileDescriptorSetSchema, compileOwn());
    assert.ok(equals(FileDescriptorSetSchema, embedded, compiled), "run: node deploy/own-descriptors.ts");
  });

  it("have the paths that are known without them", () => {
    const paths = ownSchema().services.flatMap(({ methods }) => methods.map(({ path }) => path));
    assert.deepEqual([...ownMethodPaths].sort(), paths.sort());
  });
});
