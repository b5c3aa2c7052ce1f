/**
 * Turns whatever is thrown into a CallError, and a synchronous throw into a rejection.
 *
 * The only place that does. A throw that is not a CallError is a fault of ours: the caller learns INTERNAL, the log learns the rest, at most
 * ten times a second, because a fault in a hot path would otherwise fill the disk.
 */
import type { Call } from "../core/call.ts";
import { CallError } from "../core/call-error.ts";
import type { Handler } from "../core/handler.ts";
import * as z from "zod/mini";
import { definePolicy } from "./policy.ts";

const loggedPerSecond = 10;

export const rescue = definePolicy({
  kind: "rescue",
  scope: "call",
  summary: "Answers INTERNAL when the proxy itself fails, and logs the cause.",
  enabled: "always",
  seesRefusals: true,
  config: z.strictObject({}),
  create(_config, { logger, clock }) {
    let second = 0;
    let logged = 0;
    let suppressed = 0;

    function rescued(thrown: unknown, call: Call): CallError {
      if (thrown instanceof CallError) return thrown;
      const error = CallError.of(thrown);
      const now = Math.floor(clock.nowMs() / 1000);
      if (now !== second) {
        second = now;
        logged = 0;
      }
      if (logged < loggedPerSecond) {
        logger.error("a call failed for a reason of our own", { id: call.id, method: call.method.path, cause: thrown, suppressed });
        logged++;
        suppressed = 0;
      } else suppressed++;
      return error;
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
