/**
 * Writes one JSON line for each call when it is over.
 *
 * The traps: no header value and no message content ever goes in, so there is nothing to redact; everything a caller can choose (the name
 * of an unknown method) is escaped and cut. The parts of a line that repeat are made once per method.
 */
import { Buffer } from "node:buffer";
import * as z from "zod/mini";
import type { Call } from "../core/call.ts";
import { codeName } from "../core/code.ts";
import type { Handler } from "../core/handler.ts";
import type { Status } from "../core/status.ts";
import { jsonText } from "../telemetry/json-text.ts";
import type { LineBytes } from "../telemetry/line-bytes.ts";
import { SentTraceparent, traceIdFrom, traceIdTo } from "../telemetry/trace-context.ts";
import { definePolicy, described } from "./policy.ts";

const ascii = (text: string): Uint8Array => Buffer.from(text, "latin1");
const afterTime = ascii('Z","id":"');
const beforeTrace = ascii('","trace":"');
const beforeCode = ascii('","code":"');
const beforeReason = ascii('","reason":"');
const beforeSource = ascii('","source":"');
const beforeDuration = ascii('","durationMs":');
const beforeRequestBytes = ascii(',"requestBytes":');
const beforeResponseBytes = ascii(',"responseBytes":');
const beforeAttempt = ascii(',"attempt":');
const lineEnd = ascii("}\n");
/** What a line takes beside the method and the address: its fixed parts, numbers, words of the reasons table. */
const restBytes = 512;

export const accessLog = definePolicy({
  kind: "access-log",
  scope: "call",
  summary: "Writes one JSON line for each call to standard output, standard error or a file.",
  enabled: "opt-in",
  seesRefusals: true,
  shorthand: "path",
  config: z.strictObject({
    path: described(z.string().check(z.minLength(1)), '"stdout", "stderr" or the path of a file. A file is opened anew on SIGHUP.'),
  }),
  create({ path: destination }, { clock, lines }) {
    const writer = lines(destination);
    // Time as text costs 0.6 us; all calls of one second share all of it but the milliseconds.
    let second = -1;
    let secondBytes: Uint8Array = ascii("");

    function putTime(line: LineBytes, wallMs: number): void {
      const now = Math.floor(wallMs / 1000);
      if (now !== second) {
        second = now;
        secondBytes = ascii(`{"time":"${new Date(now * 1000).toISOString().slice(0, 20)}`);
      }
      line.put(secondBytes);
      line.padded(Math.floor(wallMs - now * 1000), 3);
      line.put(afterTime);
    }

    return (next: Handler): Handler => {
      // One pipeline serves one method, mostly by one protocol.
      let path: string | undefined;
      let protocol = "";
      let middle: Uint8Array = ascii("");

      const ended = (call: Call, end: Status, durationMs: number): void => {
        const { caller, method } = call;
        if (method.path !== path || caller.protocol !== protocol) {
          path = method.path;
          protocol = caller.protocol;
          middle = Buffer.from(`","protocol":"${protocol}","method":${jsonText(path.slice(1))},"peer":"`);
        }
        const line = writer.begin(restBytes + middle.length + caller.address.length);
        if (line === undefined) return;
        putTime(line, clock.wallMs());
        line.base36(call.number);
        const sent = call.slots.get(SentTraceparent);
        if (sent !== undefined) {
          line.put(beforeTrace);
          line.ascii(sent, traceIdFrom, traceIdTo);
        }
        line.put(middle);
        line.ascii(caller.address);
        line.put(beforeCode);
        line.ascii(codeName(end.code));
        const { error } = end;
        if (error !== undefined) {
          line.put(beforeReason);
          line.ascii(error.reason);
          line.put(beforeSource);
          line.ascii(error.source);
        }
        line.put(beforeDuration);
        line.thousandths(durationMs);
        line.put(beforeRequestBytes);
        line.integer(call.requestBytes);
        line.put(beforeResponseBytes);
        line.integer(call.responseBytes);
        line.put(beforeAttempt);
        line.integer(call.attempt);
        line.put(lineEnd);
        writer.end();
      };

      return (call) => {
        call.onEnd(ended);
        return next(call);
      };
    };
  },
});
