import assert from "node:assert/strict";
import type { Payload } from "../../../../src/core/payload.ts";
import type { FrameReader } from "../../../../src/protocols/websocket/dialect.ts";
import { JsonFrames } from "../../../../src/protocols/websocket/json-frames.ts";
import { MessageBinding } from "../../../../src/protocols/websocket/message-binding.ts";
import { echoSchema } from "../../../support/hop.ts";

/** What a frame says, in the order in which it is heard. */
function heard(frame: string): string[] {
  const said: string[] = [];
  const method = echoSchema().services[0]!.methods.find(({ name }) => name === "Unary")!;
  const reader: FrameReader = {
    onMetadata: (name, value) => said.push(`metadata ${name}=${value}`),
    onMetadataEnd: () => said.push("metadata"),
    onMessage(payload: Payload) {
      payload.wire();
      said.push(`message ${Buffer.from(payload.json()).toString()}`);
    },
    onHalfClose: () => said.push("end"),
    onCancel: () => said.push("cancel"),
    onWindow: (messages) => said.push(`window ${messages}`),
  };
  new JsonFrames(new MessageBinding(method, undefined, undefined), { table: undefined, messageBytes: 1 << 20 }).read(
    Buffer.from(frame),
    false,
    reader,
  );
  return said;
}

describe("frames of dragoman.v1+json", () => {
  const message = 'message {"text":"hi"}';
  const cases: readonly (readonly [frame: string, says: readonly string[]])[] = [
    ['{"message":{"text":"hi"}}', [message]],
    ['{ "message" : {"text":"hi"} }', [message]],
    ['{"message":{"text":"hi"},"end":true}', [message, "end"]],
    ['{"message":{"text":"hi"},"end": true}', [message, "end"]],
    ['{"message":{"text":"hi"},"window":8}', [message, "window 8"]],
    ['{"message":{"text":"hi"},"window":8,"end":true}', [message, "window 8", "end"]],
    ['{"message":{"text":"hi"},"cancel":true}', [message, "cancel"]],
    ['{"message":{"text":"hi"},"metadata":{"a":"b"}}', [message, "metadata a=b", "metadata"]],
    ['{"metadata":{},"message":{"text":"hi"}}', ["metadata", message]],
    ['{"message":{"text":"\\"window\\":1"}}', ['message {"text":"\\"window\\":1"}']],
    ['{"message":{"text":",\\"end\\":true"}}', ['message {"text":",\\"end\\":true"}']],
    ['{"end":true}', ["end"]],
  ];
  for (const [frame, says] of cases) it(`${frame} says ${says.join(", ")}`, () => assert.deepEqual(heard(frame), says));

  for (const frame of ['{"message":{"text":"hi"},"other":1}', '{"message":{"text":"hi"},"window":-1}', '{"message":}', "{}", "[]"])
    it(`${frame} is refused`, () => assert.throws(() => heard(frame), { name: /CallError|CodecError/ }));
});
