/** Reflection requests from bytes nobody chose: each is answered, or refused as no protobuf; nothing else ever happens. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { Call } from "../../src/core/call.ts";
import { Code } from "../../src/core/code.ts";
import { Deadline } from "../../src/core/deadline.ts";
import { MessageList } from "../../src/core/messages.ts";
import { Metadata } from "../../src/core/metadata.ts";
import { Payload } from "../../src/core/payload.ts";
import { ownSchema } from "../../src/own-services/own-schema.ts";
import { ReflectionService } from "../../src/own-services/reflection.ts";
import { readReflectionResponse } from "../../src/schema/sources/reflection-messages.ts";

const caller = { address: "127.0.0.1", protocol: "grpc", secure: false };
const reflection = ownSchema().services.find(({ name }) => name === "grpc.reflection.v1.ServerReflection")!.methods[0]!;

/** A oneof member, a length that may lie, and bytes. */
const almostQuestion = fc
  .tuple(fc.integer({ min: 0, max: 255 }), fc.integer({ min: 0, max: 40 }), fc.uint8Array({ maxLength: 40 }))
  .map(([tag, length, bytes]) => Uint8Array.from([tag, length, ...bytes]));

describe("reflection questions", () => {
  it("are answered or refused, whatever the bytes", async () => {
    const service = new ReflectionService(() => undefined);
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.uint8Array({ maxLength: 64 }), almostQuestion), async (bytes) => {
        const questions = new MessageList([Payload.ofWire(reflection.input, bytes)]);
        const call = new Call(reflection, caller, Metadata.empty, questions, new Deadline(), 0);
        const reply = await service.answer(call);
        const answers: Uint8Array[] = [];
        for await (const payload of reply.messages) answers.push(payload.wire());
        const end = await reply.end;
        if (end.code === Code.OK) {
          assert.equal(answers.length, 1);
          const { files, services, error } = readReflectionResponse(answers[0]!);
          assert.ok(files.length > 0 || services.length > 0 || error !== undefined || answers[0]!.includes(0x2a));
        } else {
          assert.equal(end.error?.reason, "INVALID_PROTOBUF");
          assert.equal(answers.length, 0);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
