/**
 * Delays calls or ends them on purpose, to see what their callers make of it.
 *
 * The trap: headers ask for a fault only where they come from a principal that is named; from everybody else they are taken out, and with
 * nobody named they never count.
 */
import * as z from "zod/mini";
import { Code, type CodeName } from "../core/code.ts";
import type { Call } from "../core/call.ts";
import { CallError } from "../core/call-error.ts";
import type { Clock } from "../core/clock.ts";
import type { Handler } from "../core/handler.ts";
import { PrincipalSlot } from "../core/principal.ts";
import { definePolicy, described, duration, optional, percent, setting } from "./policy.ts";

const codeNames = (Object.keys(Code) as CodeName[]).filter((name) => name !== "OK");
const delayHeader = "dragoman-fault-delay";
const abortHeader = "dragoman-fault-abort";
const longestAskedMs = 60_000;

export const fault = definePolicy({
  kind: "fault",
  scope: "call",
  summary: "Delays or ends a share of the calls on purpose.",
  enabled: "opt-in",
  config: z.strictObject({
    delay: optional(
      z.strictObject({
        by: described(duration, "How long a call is held back before it goes on."),
        share: setting(percent, "100%", "Of which share of the calls."),
      }),
      "Delays calls.",
    ),
    abort: optional(
      z.strictObject({
        code: setting(z.enum(codeNames), "UNAVAILABLE", "The code they end with."),
        share: setting(percent, "100%", "Which share of the calls."),
      }),
      "Ends calls, after the delay where there is one.",
    ),
    askedBy: setting(
      z.array(z.string().check(z.minLength(1))),
      [],
      `Principals that may ask for a fault of one call by \`${delayHeader}: 200\` (milliseconds) and \`${abortHeader}: UNAVAILABLE\`.`,
    ),
  }),
  create({ delay, abort, askedBy }, { clock, random, metrics }) {
    const trusted = new Set(askedBy);
    const delayed = metrics.policies.of("fault", "delayed");
    const aborted = metrics.policies.of("fault", "aborted");
    const drawn = (ratio: number): boolean => ratio === 1 || random.uint32() < ratio * 2 ** 32;

    return (next: Handler): Handler =>
      (call) => {
        const asked = takeAsked(call, trusted);
        const delayMs = asked.delayMs ?? (delay !== undefined && drawn(delay.shareRatio) ? delay.byMs : 0);
        const code = asked.code ?? (abort !== undefined && drawn(abort.shareRatio) ? abort.code : undefined);
        if (delayMs === 0 && code === undefined) return next(call);
        const goOn = (): ReturnType<Handler> => {
          if (code === undefined) return next(call);
          aborted.count++;
          throw new CallError("FAULT_INJECTED", undefined, { code: Code[code] });
        };
        if (delayMs === 0) return goOn();
        delayed.count++;
        return wait(call, delayMs, clock).then(goOn);
      };
  },
});

interface Asked {
  readonly delayMs: number | undefined;
  readonly code: CodeName | undefined;
}

const nothing: Asked = { delayMs: undefined, code: undefined };

/** What the call's own headers ask for; they go no further, whoever sent them. */
function takeAsked(call: Call, trusted: ReadonlySet<string>): Asked {
  const { metadata } = call;
  const delay = metadata.get(delayHeader);
  const abort = metadata.get(abortHeader);
  if (delay === undefined && abort === undefined) return nothing;
  metadata.delete(delayHeader);
  metadata.delete(abortHeader);
  const principal = call.slots.get(PrincipalSlot)?.id ?? "";
  if (principal === "" || !trusted.has(principal)) return nothing;
  return {
    delayMs: delay !== undefined && /^\d{1,6}$/.test(delay) ? Math.min(Number(delay), longestAskedMs) : undefined,
    code: codeNames.find((name) => name === abort),
  };
}

/** Rejects when the call is cancelled meanwhile. */
function wait(call: Call, delayMs: number, clock: Clock): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = clock.after(delayMs, resolve);
    call.onCancel((error) => {
      timer.cancel();
      reject(error);
    });
  });
}
