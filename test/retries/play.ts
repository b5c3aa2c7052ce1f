/**
 * Plays one case of the table: a real client and a real HTTP/2 server between which the attempts go, and a clock that the test moves.
 *
 * The trap: time moves only when every attempt under way is one that the script leaves hanging, so a case takes as long as its sockets do and
 * its waits are exact.
 */
import { constants, type ServerHttp2Stream } from "node:http2";
import { setImmediate as turn } from "node:timers/promises";
import { Call } from "../../src/core/call.ts";
import { CallError } from "../../src/core/call-error.ts";
import { systemClock } from "../../src/core/clock.ts";
import { codeName } from "../../src/core/code.ts";
import { Deadline } from "../../src/core/deadline.ts";
import { compose, type Handler } from "../../src/core/handler.ts";
import { MessageList, SingleMessage } from "../../src/core/messages.ts";
import { Metadata } from "../../src/core/metadata.ts";
import type { Method } from "../../src/core/method.ts";
import { Payload } from "../../src/core/payload.ts";
import { RetryBudget } from "../../src/core/retry-budget.ts";
import { TimerWheel } from "../../src/core/timer-wheel.ts";
import { deadline } from "../../src/policies/deadline.ts";
import { hedge } from "../../src/policies/hedge.ts";
import { retry } from "../../src/policies/retry.ts";
import { opaqueMethod, opaqueUnaryMethod } from "../../src/protocols/shared/opaque-type.ts";
import { createCluster, type Cluster } from "../../src/upstream/cluster.ts";
import { Http2Client } from "../../src/wire/http2/http2-client.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { clusterAt } from "../support/hop.ts";
import { createPolicyHost } from "../support/policy-host.ts";
import { startScriptedGrpc, type ScriptedGrpc } from "../support/scripted-grpc.ts";

/** What the backend does with an attempt. */
export type Answer =
  | "ok"
  /** REFUSED_STREAM. */
  | "refused"
  /** GOAWAY with a last stream below this one. */
  | "goaway"
  /** There is no server to go to. */
  | "unreachable"
  /** The connection ends under it. */
  | "broken"
  | "hang"
  | {
      readonly status: number;
      /** Trailers-Only unless a head goes before it, with a message or without. */
      readonly after?: "head" | "message";
      readonly trailers?: Readonly<Record<string, string | readonly string[]>>;
    }
  | { readonly reset: number }
  /** An answer of plain HTTP. */
  | { readonly http: number; readonly headers?: Readonly<Record<string, string>> };

export type MethodKind = "plain" | "idempotent" | "safe" | "stream" | "idempotent stream";

export interface Case {
  readonly what: string;
  readonly policy?: "retry" | "hedge";
  readonly settings?: Readonly<Record<string, unknown>>;
  /** "idempotent" unless set. */
  readonly method?: MethodKind;
  /** By attempt; what comes after the last is like the last. */
  readonly answers: readonly Answer[];
  /** Milliseconds the call has. */
  readonly deadlineMs?: number;
  /** The caller leaves. */
  readonly leavesAtMs?: number;
  /** Request messages of a stream, by their size. */
  readonly sends?: readonly number[];
  readonly metadata?: Readonly<Record<string, string>>;
  /** Further attempts that are left; enough unless set. */
  readonly budget?: number;
  /** When each attempt was sent, from the call's beginning. */
  readonly sentAtMs: readonly number[];
  readonly code: string;
  /** When the call is over, or a tick of the timer wheel (10 ms) later. */
  readonly lastsMs?: number;
  /** `grpc-previous-rpc-attempts` of each attempt. */
  readonly previous?: readonly (string | undefined)[];
  /** What the policy counted. */
  readonly counted?: Readonly<Record<string, number>>;
}

export interface Played {
  readonly sentAtMs: readonly number[];
  readonly code: string;
  readonly previous: readonly (string | undefined)[];
  readonly counted: Readonly<Record<string, number>>;
  /** Attempts that the backend may have carried out. */
  readonly executed: number;
  /** Bytes of the request that each attempt brought to its end. */
  readonly requests: readonly number[];
  /** When the call was over. */
  readonly endedAtMs: number;
}

const methods: Readonly<Record<MethodKind, Method>> = {
  plain: opaqueUnaryMethod("/shop.v1.Orders/Pay"),
  idempotent: { ...opaqueUnaryMethod("/shop.v1.Orders/Put"), idempotency: "idempotent" },
  safe: { ...opaqueUnaryMethod("/shop.v1.Orders/Get"), idempotency: "no-side-effects" },
  stream: opaqueMethod("/shop.v1.Orders/Follow"),
  "idempotent stream": { ...opaqueMethod("/shop.v1.Orders/Watch"), idempotency: "idempotent" },
};
const grpcHead = { ":status": 200, "content-type": "application/grpc" };
const emptyMessage = Buffer.from([0, 0, 0, 0, 0]);
/** Later than the machine's own clock will be: a deadline of the test never passes by itself. */
const epochMs = 1e9;
const numberHeader = "x-attempt";

export class Stage {
  private readonly backend: ScriptedGrpc;
  private readonly nowhere: Cluster;

  private constructor(backend: ScriptedGrpc, nowhere: Cluster) {
    this.backend = backend;
    this.nowhere = nowhere;
  }

  static async open(): Promise<Stage> {
    const closed = await startScriptedGrpc();
    await closed.stop();
    return new Stage(await startScriptedGrpc(), clusterAt(closed.port));
  }

  async close(): Promise<void> {
    await this.nowhere.close();
    await this.backend.stop();
  }

  async play(one: Case): Promise<Played> {
    const { policy = "retry", settings = {}, answers, budget } = one;
    const clock = new FakeClock(epochMs);
    const retryBudget = new RetryBudget();
    const services = { ...createPolicyHost(), clock, timers: new TimerWheel(clock), retryBudget, random: { uint32: () => 2 ** 31 } };
    const client = new Http2Client({ host: "127.0.0.1", port: this.backend.port, clock: systemClock });
    const cluster = createCluster({ scheme: "http", authority: "test", client, clock, messageBytes: 1 << 20 });
    const method = methods[one.method ?? "idempotent"];

    const sentAtMs: number[] = [];
    const previous: (string | undefined)[] = [];
    const requests: number[] = [];
    let executed = 0;
    /** Attempts that something still happens to. */
    let moving = 0;
    const hangs: (() => void)[] = [];
    const answerTo = (number: number): Answer => answers[Math.min(number, answers.length - 1)]!;

    this.backend.answer = (stream, headers) => {
      const number = headers[numberHeader];
      if (number === undefined) {
        reply(stream, "ok");
        return;
      }
      const at = Number(number);
      previous[at] = headers["grpc-previous-rpc-attempts"] as string | undefined;
      const answer = answerTo(at);
      if (answer !== "refused" && answer !== "goaway") executed++;
      if (answer === "hang") hangs[at]!();
      let bytes = 0;
      stream.on("data", (chunk: Buffer) => (bytes += chunk.length)).on("end", () => void (requests[at] = bytes));
      if (one.sends === undefined || answer === "refused") reply(stream, answer);
      else stream.on("end", () => reply(stream, answer));
    };
    const sent: Handler = (call) => {
      const number = sentAtMs.push(clock.nowMs() - epochMs) - 1;
      call.hopFields = [...(call.hopFields ?? []), numberHeader, String(number)];
      moving++;
      let moves = true;
      const rests = (): void => {
        if (moves) moving--;
        moves = false;
      };
      hangs[number] = rests;
      const attempt = (answerTo(number) === "unreachable" ? this.nowhere : cluster).handler(call);
      attempt.then(({ end }) => end.then(rests), rests);
      call.hopFields = withoutNumber(call.hopFields);
      return attempt;
    };

    try {
      // The connection, and the stream below which a GOAWAY can be.
      const warm = new Call(methods.plain, caller, new Metadata(), message(0), new Deadline(), epochMs);
      await cluster.handler(warm);
      const spec = policy === "retry" ? retry : hedge;
      const limits = budget === undefined ? {} : { budget: { share: "0%", perSecond: budget / 10 } };
      const layers = [deadline.create({}, services), spec.create(spec.config.parse({ ...limits, ...settings }), services)];
      // As it stands in the proxy: what a hedged call sends comes by here.
      if (policy === "hedge") layers.push(retry.create(retry.config.parse({}), services));
      const messages =
        one.sends === undefined
          ? message(1)
          : new MessageList(one.sends.map((sizeBytes) => Payload.ofWire(method.input, new Uint8Array(sizeBytes))));
      const call = new Call(
        method,
        caller,
        Metadata.from(one.metadata ?? {}),
        messages,
        new Deadline(epochMs + (one.deadlineMs ?? 60_000)),
        epochMs,
      );
      if (one.leavesAtMs !== undefined)
        clock.after(one.leavesAtMs, () => call.cancel(new CallError("CALLER_CANCELLED", undefined, { source: "caller" })));
      let code: string | undefined;
      const over = outcome(compose(layers, sent), call).then((ended) => (code = ended));
      while (code === undefined) {
        await turn();
        if (moving > 0 || code !== undefined) continue;
        const { nextInMs } = clock;
        if (nextInMs === undefined) await Promise.race([over, turn()]);
        else clock.advance(nextInMs);
      }
      const endedAtMs = clock.nowMs() - epochMs;
      const counted: Record<string, number> = {};
      for (const each of services.metrics.policies.all()) if (each.policy === policy && each.count > 0) counted[each.outcome] = each.count;
      return { sentAtMs, code, previous: Array.from(sentAtMs, (_, at) => previous[at]), counted, executed, requests, endedAtMs };
    } finally {
      await cluster.close();
    }
  }
}

const caller = { address: "127.0.0.1", protocol: "grpc", secure: false };

function message(sizeBytes: number): SingleMessage {
  return new SingleMessage(Payload.ofWire(methods.plain.input, new Uint8Array(sizeBytes)));
}

function withoutNumber(fields: readonly string[]): readonly string[] {
  const at = fields.indexOf(numberHeader);
  return at < 0 ? fields : fields.toSpliced(at, 2);
}

async function outcome(handler: Handler, call: Call): Promise<string> {
  try {
    const { messages, end } = await handler(call);
    if (messages.single === undefined) while ((await messages.next()) !== undefined);
    return codeName((await end).code);
  } catch (thrown) {
    if (!(thrown instanceof CallError)) throw thrown;
    return codeName(thrown.code);
  }
}

function reply(stream: ServerHttp2Stream, answer: Answer): void {
  if (answer === "ok") whole(stream, { "grpc-status": "0" }, emptyMessage);
  else if (answer === "refused") stream.close(constants.NGHTTP2_REFUSED_STREAM);
  else if (answer === "goaway") stream.session!.goaway(0, stream.id! - 2);
  else if (answer === "broken") stream.session!.destroy();
  else if (typeof answer === "string") return;
  else if ("reset" in answer) stream.close(answer.reset);
  else if ("http" in answer) stream.respond({ ":status": answer.http, ...answer.headers }, { endStream: true });
  else {
    const status = { "grpc-status": String(answer.status), ...answer.trailers };
    if (answer.after === undefined) stream.respond({ ...grpcHead, ...(status as Record<string, string>) }, { endStream: true });
    else whole(stream, status, answer.after === "message" ? emptyMessage : undefined);
  }
}

function whole(stream: ServerHttp2Stream, trailers: Record<string, string>, body: Buffer | undefined): void {
  stream.respond(grpcHead, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers(trailers));
  stream.end(body);
}
