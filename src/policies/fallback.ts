/**
 * Answers in the service's place where it fails with a code that is named.
 *
 * The trap: an answer that is not the service's must not pass for it, so it is marked (`dragoman-fallback`) and counted. Streams have no one
 * answer: theirs fail as they did, and the log says so once.
 */
import * as z from "zod/mini";
import { Code, type CodeName } from "../core/code.ts";
import type { Call } from "../core/call.ts";
import { CallError } from "../core/call-error.ts";
import type { Handler } from "../core/handler.ts";
import { CodecError } from "../core/message-type.ts";
import { SingleMessage } from "../core/messages.ts";
import { Metadata } from "../core/metadata.ts";
import { Payload } from "../core/payload.ts";
import { UnaryReply, type Reply } from "../core/reply.ts";
import { okStatus } from "../core/status.ts";
import { LimitedLog } from "../telemetry/limited-log.ts";
import { definePolicy, described, setting } from "./policy.ts";

const codeNames = (Object.keys(Code) as CodeName[]).filter((name) => name !== "OK");
/** A list that is always the same: what is derived from it is found again. */
const mark: readonly string[] = Object.freeze(["dragoman-fallback", "static"]);

export const fallback = definePolicy({
  kind: "fallback",
  scope: "call",
  summary: "Answers unary calls with a message of its own where the service fails.",
  enabled: "opt-in",
  config: z.strictObject({
    message: described(z.record(z.string(), z.unknown()), "The answer, as the JSON of the method's response message."),
    on: setting(
      z.array(z.enum(codeNames)).check(z.minLength(1, "expected at least one code")),
      ["UNAVAILABLE", "DEADLINE_EXCEEDED"],
      "The codes it stands in for.",
    ),
  }),
  create({ message, on }, { logger, clock, metrics }) {
    const json = Buffer.from(JSON.stringify(message));
    const codes = new Set<Code>(on.map((name) => Code[name]));
    const log = new LimitedLog(logger, clock);
    const answered = metrics.policies.of("fallback", "static");
    const unfit = metrics.policies.of("fallback", "unfit");
    let streamNoted = false;

    /** @throws the failure itself where it is not for us, or there is no answer */
    function answerFor(call: Call, thrown: unknown): Reply {
      if (!(thrown instanceof CallError) || thrown.source === "caller" || !codes.has(thrown.code)) throw thrown;
      let wire: Uint8Array;
      try {
        wire = Payload.ofJson(call.method.output, json).wire();
      } catch (error) {
        if (!(error instanceof CodecError)) throw error;
        unfit.count++;
        log.warn("the fallback is not a message of the method", { method: call.method.path.slice(0, 256), why: error.message });
        throw thrown;
      }
      answered.count++;
      return new UnaryReply(Metadata.share(mark), new SingleMessage(Payload.ofWire(call.method.output, wire)), okStatus());
    }

    return (next: Handler): Handler =>
      (call) => {
        if (!call.method.unary) {
          if (!streamNoted) logger.info("fallback answers unary calls only", { method: call.method.path.slice(0, 256) });
          streamNoted = true;
          return next(call);
        }
        try {
          return next(call).then(undefined, (thrown: unknown) => answerFor(call, thrown));
        } catch (thrown) {
          return Promise.resolve(answerFor(call, thrown));
        }
      };
  },
});
