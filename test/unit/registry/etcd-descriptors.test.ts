import assert from "node:assert/strict";
import { inflateRawSync } from "node:zlib";
import { compileEtcd } from "../../../deploy/own-descriptors.ts";
import { descriptors } from "../../../src/registry/stores/etcd/descriptors.ts";

describe("etcd's messages in the bundle", () => {
  it("are those of protos/etcd", () => assert.deepEqual(inflateRawSync(Buffer.from(descriptors.join(""), "base64")), compileEtcd()));
});
