/** Services, calls and answers for tests of policies: a fake clock, counted randomness, lines kept in a list. */
import { Call } from "../../src/core/call.ts";
import { CallError } from "../../src/core/call-error.ts";
import { Deadline } from "../../src/core/deadline.ts";
import type { Logger } from "../../src/core/logger.ts";
import { MessageList } from "../../src/core/messages.ts";
import { Metadata } from "../../src/core/metadata.ts";
import type { Method } from "../../src/core/method.ts";
import { UnaryReply, type Reply } from "../../src/core/reply.ts";
import { okStatus } from "../../src/core/status.ts";
import { RetryBudget } from "../../src/core/retry-budget.ts";
import { TimerWheel } from "../../src/core/timer-wheel.ts";
import { KeySources } from "../../src/identity/key-sources.ts";
import { HostBreakers } from "../../src/policies/circuit-breaker/host-breakers.ts";
import type { Services } from "../../src/policies/policy.ts";
import { CallMetrics } from "../../src/telemetry/call-metrics.ts";
import { LineBytes } from "../../src/telemetry/line-bytes.ts";
import type { LineWriter } from "../../src/telemetry/line-writer.ts";
import { untraced } from "../../src/telemetry/tracing.ts";
import { opaqueMethod, opaqueUnaryMethod } from "../../src/protocols/shared/opaque-type.ts";
import { FakeClock } from "./fake-clock.ts";

export interface LoggedEvent {
  readonly level: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>> | undefined;
}

export interface PolicyHost extends Services {
  readonly clock: FakeClock;
  readonly timers: TimerWheel;
  /** What was written to each destination. */
  readonly written: Map<string, string[]>;
  readonly logged: LoggedEvent[];
}

export function createPolicyHost(): PolicyHost {
  const clock = new FakeClock();
  const written = new Map<string, string[]>();
  const logged: LoggedEvent[] = [];
  let drawn = 0;
  const random = { uint32: () => (++drawn * 0x9e3779b1) >>> 0 };
  return {
    clock,
    logger: recordingLogger(logged),
    logged,
    random,
    metrics: new CallMetrics(),
    timers: new TimerWheel(clock),
    keySources: new KeySources(),
    retryBudget: new RetryBudget(),
    breakers: new HostBreakers(random),
    dial: () => () => Promise.reject(new CallError("UPSTREAM_UNREACHABLE")),
    tracing: untraced,
    written,
    lines(destination) {
      const lines = written.get(destination) ?? [];
      written.set(destination, lines);
      let line = new LineBytes(0);
      return {
        begin: (lengthBytes: number) => (line = new LineBytes(lengthBytes)),
        end: () => void lines.push(line.bytes.toString("utf8", 0, line.used)),
      } as unknown as LineWriter;
    },
  };
}

function recordingLogger(logged: LoggedEvent[]): Logger {
  const at =
    (level: string) =>
    (message: string, fields?: Readonly<Record<string, unknown>>): void =>
      void logged.push({ level, message, fields });
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

export interface CallOptions {
  readonly method?: Method;
  readonly metadata?: Readonly<Record<string, string>> | readonly (readonly [string, string])[];
  readonly protocol?: string;
  readonly deadlineMs?: number;
  readonly nowMs?: number;
}

export const unaryMethod = opaqueUnaryMethod("/shop.v1.Orders/Get");
export const streamMethod = opaqueMethod("/shop.v1.Orders/Watch");

export function callOf({
  method = unaryMethod,
  metadata = {},
  protocol = "rest",
  deadlineMs = Infinity,
  nowMs = 1000,
}: CallOptions = {}): Call {
  const caller = { address: "10.0.0.7", protocol, secure: false };
  return new Call(method, caller, Metadata.from(metadata), new MessageList([]), new Deadline(deadlineMs), nowMs);
}

export function okReply(): Reply {
  return new UnaryReply(Metadata.empty, new MessageList([]), okStatus());
}
