/** The embedded google/protobuf files say what those say that buf and @bufbuild/protobuf carry. */
import assert from "node:assert/strict";
import { equals, fromBinary, toBinary, type DescFile } from "@bufbuild/protobuf";
import {
  file_google_protobuf_any,
  file_google_protobuf_api,
  file_google_protobuf_descriptor,
  file_google_protobuf_duration,
  file_google_protobuf_empty,
  file_google_protobuf_field_mask,
  file_google_protobuf_source_context,
  file_google_protobuf_struct,
  file_google_protobuf_timestamp,
  file_google_protobuf_type,
  file_google_protobuf_wrappers,
  FileDescriptorProtoSchema,
  type FileDescriptorProto,
} from "@bufbuild/protobuf/wkt";
import { wellKnownFile } from "../../../../src/schema/files/well-known-files.ts";

const judges: readonly DescFile[] = [
  file_google_protobuf_any,
  file_google_protobuf_api,
  file_google_protobuf_duration,
  file_google_protobuf_empty,
  file_google_protobuf_field_mask,
  file_google_protobuf_source_context,
  file_google_protobuf_struct,
  file_google_protobuf_timestamp,
  file_google_protobuf_type,
  file_google_protobuf_wrappers,
];

/** Without what only generators read, and without the json_name that protobuf-es leaves out where it is the usual one. */
function bare(bytes: Uint8Array): FileDescriptorProto {
  const file = fromBinary(FileDescriptorProtoSchema, bytes);
  delete file.options;
  for (const message of file.messageType)
    for (const type of [message, ...message.nestedType]) for (const field of type.field) field.jsonName = "";
  return file;
}

describe("well-known files", () => {
  for (const judge of judges)
    it(judge.proto.name, () => {
      const own = wellKnownFile(judge.proto.name);
      assert.ok(own !== undefined);
      assert.ok(equals(FileDescriptorProtoSchema, bare(own.bytes), bare(toBinary(FileDescriptorProtoSchema, judge.proto))));
    });

  it("google/protobuf/descriptor.proto, message by message", () => {
    // Its reserved and extension declarations differ from release to release.
    const own = wellKnownFile("google/protobuf/descriptor.proto")!;
    for (const judge of file_google_protobuf_descriptor.messages) {
      const message = own.messages.find(({ name }) => name === judge.name);
      const numbers = new Set(judge.fields.map(({ number }) => number));
      assert.ok(message !== undefined, judge.name);
      for (const field of message.fields) assert.ok(numbers.has(field.number) || field.options.deprecated, `${judge.name}.${field.name}`);
    }
  });

  it("nothing else", () => {
    assert.equal(wellKnownFile("google/protobuf/gone.proto"), undefined);
    assert.equal(wellKnownFile("google/api/http.proto"), undefined);
  });
});
