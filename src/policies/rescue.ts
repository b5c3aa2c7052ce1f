/**
 * Turns whatever is thrown into a CallError, and a synchronous throw into a rejection.
 *
 * The only place that does. A throw that is not a CallError is a fault of ours: the caller learns INTERNAL, the log learns the rest, at most
 * ten times a second, because a fault in a hot path would otherwise fill the disk.
 */
import type { Call } from "../core/call.ts";
import { CallError } from "../core/call-error.ts";
import type { Handler } from "../core/handler.ts";
import { LimitedLog } from "../telemetry/limited-log.ts";
import * as z from "zod/mini";
import { definePolicy } from "./policy.ts";

export const rescue = definePolicy({
  kind: "rescue",
  scope: "call",
  summary: "Answers INTERNAL when the proxy itself fails, and logs the cause.",
  enabled: "always",
  seesRefusals: true,
  config: z.strictObject({}),
  create(_config, { logger, clock }) {
    const log = new LimitedLog(logger, clock);

    function rescued(thrown: unknown, call: Call): CallError {
      if (thrown instanceof CallError) return thrown;
      log.error("a call failed for a reason of our own", { id: call.id, method: call.method.path, cause: thrown });
      return CallError.of(thrown);
    }

    return (next: Handler): Handler =>
      (call) => {
        try {
          return next(call).then(undefined, (thrown: unknown) => {
            throw rescued(thrown, call);
          });
        } catch (thrown) {
          return Promise.reject(rescued(thrown, call));
        }
      };
  },
});
