/**
 * Writes one JSON line for each call when it is over.
 *
 * The traps: no header value and no message content ever goes in, so there is nothing to redact; everything a caller can choose (the name
 * of an unknown method) is escaped and cut. The parts of a line that repeat are made once per method.
 */
import * as z from "zod/mini";
import type { Call } from "../core/call.ts";
import { codeName } from "../core/code.ts";
import type { Handler } from "../core/handler.ts";
import type { Status } from "../core/status.ts";
import { jsonText } from "../telemetry/json-text.ts";
import { SentTraceparent, traceIdOf } from "../telemetry/trace-context.ts";
import { definePolicy, described } from "./policy.ts";

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
    let secondText = "";

    function timeText(wallMs: number): string {
      const now = Math.floor(wallMs / 1000);
      if (now !== second) {
        second = now;
        secondText = `{"time":"${new Date(now * 1000).toISOString().slice(0, 20)}`;
      }
      const ms = Math.floor(wallMs - now * 1000);
      return secondText + (ms < 10 ? "00" : ms < 100 ? "0" : "") + ms + 'Z","id":"';
    }

    return (next: Handler): Handler => {
      // One pipeline serves one method, mostly by one protocol.
      let path: string | undefined;
      let protocol = "";
      let middle = "";

      const ended = (call: Call, end: Status, durationMs: number): void => {
        const { caller, method } = call;
        if (method.path !== path || caller.protocol !== protocol) {
          path = method.path;
          protocol = caller.protocol;
          middle = `","protocol":"${protocol}","method":${jsonText(path.slice(1))},"peer":"`;
        }
        const sent = call.slots.get(SentTraceparent);
        const { error } = end;
        writer.write(
          timeText(clock.wallMs()) +
            call.id +
            (sent === undefined ? "" : '","trace":"' + traceIdOf(sent)) +
            middle +
            caller.address +
            '","code":"' +
            codeName(end.code) +
            (error === undefined ? "" : '","reason":"' + error.reason + '","source":"' + error.source) +
            '","durationMs":' +
            Math.round(durationMs * 1000) / 1000 +
            ',"requestBytes":' +
            call.requestBytes +
            ',"responseBytes":' +
            call.responseBytes +
            ',"attempt":' +
            call.attempt +
            "}\n",
        );
      };

      return (call) => {
        call.onEnd(ended);
        return next(call);
      };
    };
  },
});
