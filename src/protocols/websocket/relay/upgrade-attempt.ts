/**
 * One upgrade under way to the service: a sink for its answer, a promise of the reply.
 *
 * The trap: the answer may come when nobody waits for it any more, and it may bring a connection, which is then closed here.
 */
import { Buffer } from "node:buffer";
import type { Call } from "../../../core/call.ts";
import { CallError } from "../../../core/call-error.ts";
import type { Timer } from "../../../core/clock.ts";
import { MessageList } from "../../../core/messages.ts";
import { Metadata } from "../../../core/metadata.ts";
import { Payload } from "../../../core/payload.ts";
import { UnaryReply, type Reply } from "../../../core/reply.ts";
import { okStatus, statusOf, type Status } from "../../../core/status.ts";
import type { ClientStream } from "../../../wire/http-client.ts";
import type { SwitchedConnection, UpgradeSink } from "../../../wire/http-upgrade.ts";
import type { WireError } from "../../../wire/wire-error.ts";
import { answeredFields } from "../../shared/http-fields.ts";
import { codeOfBackendStatus } from "../../shared/http-status.ts";
import { errorOfUpstreamWire } from "../../shared/upstream-wire.ts";
import { checkAnswer } from "./check-answer.ts";
import { UpgradeAnswerSlot, type UpgradeRequest } from "./upgrade-call.ts";
import { UpstreamSocket } from "./upstream-socket.ts";

/** Largest body of a refusal: what is said there is for people. */
const refusalBytes = 64 * 1024;

export class UpgradeAttempt implements UpgradeSink {
  readonly reply: Promise<Reply>;
  private readonly call: Call;
  private readonly request: UpgradeRequest;
  private readonly timer: Timer;
  private resolve!: (reply: Reply) => void;
  private reject!: (error: CallError) => void;
  private stream: ClientStream | undefined = undefined;
  private over = false;
  private status = 0;
  private fields: readonly string[] = [];
  private chunks: Uint8Array[] = [];
  private bodyBytes = 0;

  /** @param timer goes off when the answer takes too long; told here that it came */
  constructor(call: Call, request: UpgradeRequest, timer: Timer) {
    this.call = call;
    this.request = request;
    this.timer = timer;
    this.reply = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    call.onCancel((error) => this.fail(error));
  }

  begin(stream: ClientStream): void {
    if (this.over) stream.cancel();
    else this.stream = stream;
  }

  expire(): void {
    this.fail(new CallError("DEADLINE_EXCEEDED", "the service did not answer the upgrade in time"));
  }

  // --- the answer

  onSwitch(headers: readonly string[], connection: SwitchedConnection): void {
    const { call, request } = this;
    const agreed = checkAnswer(request.key, call.metadata.flat, headers);
    const socket = new UpstreamSocket(connection, typeof agreed === "string" ? 0 : agreed.reservedBits);
    if (this.over) socket.cancel();
    else if (typeof agreed === "string") {
      socket.cancel();
      this.fail(new CallError("UPSTREAM_PROTOCOL", `the upgrade was answered wrongly: ${agreed}`, { source: "upstream" }));
    } else {
      this.finish();
      call.onCancel(() => socket.cancel());
      call.slots.set(UpgradeAnswerSlot, { status: 101, socket });
      const metadata = Metadata.share(answeredFields(headers).fields);
      this.resolve({ metadata, messages: socket, encoding: undefined, ended: undefined, end: socket.ended });
    }
  }

  onHead(status: number, headers: readonly string[]): void {
    this.status = status;
    this.fields = answeredFields(headers).fields;
  }

  onData(chunk: Uint8Array): void {
    this.chunks.push(chunk);
    this.bodyBytes += chunk.length;
    this.stream?.consumed(chunk.length);
    if (this.bodyBytes > refusalBytes) this.fail(new CallError("UPSTREAM_MESSAGE_TOO_LARGE", undefined, { source: "upstream" }));
  }

  onEnd(): void {
    if (!this.finish()) return;
    const { call, status } = this;
    call.slots.set(UpgradeAnswerSlot, { status, socket: undefined });
    const body = new MessageList([Payload.ofWire(call.method.output, Buffer.concat(this.chunks))]);
    this.resolve(new UnaryReply(Metadata.share(this.fields), body, statusOfRefusal(status)));
  }

  onError(error: WireError): void {
    this.stream = undefined;
    this.fail(this.call.cancelled ?? errorOfUpstreamWire(error, this.call.deadline.remainingMs(performance.now())));
  }

  // --- inside

  private fail(error: CallError): void {
    const { stream } = this;
    if (!this.finish()) return;
    stream?.cancel();
    this.reject(error);
  }

  /** @returns false when it was over already */
  private finish(): boolean {
    if (this.over) return false;
    this.over = true;
    this.stream = undefined;
    this.timer.cancel();
    return true;
  }
}

/** As plain HTTP has it: 400 and above is what a REST server means by it. */
function statusOfRefusal(httpStatus: number): Status {
  if (httpStatus < 400) return okStatus();
  const code = codeOfBackendStatus(httpStatus);
  return statusOf(new CallError("UPSTREAM_STATUS", `the service answered HTTP ${httpStatus}`, { code, source: "upstream", httpStatus }));
}
