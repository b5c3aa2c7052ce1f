/**
 * Envoy's external authorization API, version 3, asked as a client: `envoy.service.auth.v3.Authorization/Check`.
 *
 * The trap: the answer comes from somebody who may be asked a thousand times a second and has a deadline; when that passes the question is
 * given up, at the server too, and the call it was about must not wait for anything else.
 */
import { inflateRawSync } from "node:zlib";
import { Call } from "../core/call.ts";
import type { CallError } from "../core/call-error.ts";
import type { Clock } from "../core/clock.ts";
import { Deadline } from "../core/deadline.ts";
import type { Handler } from "../core/handler.ts";
import { SingleMessage } from "../core/messages.ts";
import { Metadata } from "../core/metadata.ts";
import type { Method } from "../core/method.ts";
import { Payload } from "../core/payload.ts";
import { okStatus, statusOf } from "../core/status.ts";
import type { TimerWheel } from "../core/timer-wheel.ts";
import { buildSchema } from "../schema/build-schema.ts";
import { descriptors } from "./authorization-descriptors.ts";

/** `CheckRequest` as JSON. */
export interface CheckRequest {
  readonly attributes: Readonly<Record<string, unknown>>;
}

export interface HeaderOption {
  readonly header?: { readonly key?: string; readonly value?: string; readonly rawValue?: string };
  readonly append?: boolean;
  readonly appendAction?: number;
}

/** `CheckResponse` as JSON: what is not set, or is its default, is not there. */
export interface CheckResponse {
  readonly status?: { readonly code?: number; readonly message?: string };
  readonly deniedResponse?: {
    readonly status?: { readonly code?: number };
    readonly headers?: readonly HeaderOption[];
    readonly body?: string;
  };
  readonly okResponse?: {
    readonly headers?: readonly HeaderOption[];
    readonly headersToRemove?: readonly string[];
    readonly responseHeadersToAdd?: readonly HeaderOption[];
  };
  readonly dynamicMetadata?: string;
}

const caller = { address: "", protocol: "external-auth", secure: false } as const;
let checkMethod: Method | undefined;

function method(): Method {
  return (checkMethod ??= buildSchema(inflateRawSync(Buffer.from(descriptors.join(""), "base64"))).services[0]!.methods[0]!);
}

export class AuthorizationClient {
  private readonly handler: Handler;
  private readonly clock: Clock;
  private readonly timers: TimerWheel;

  constructor(handler: Handler, clock: Clock, timers: TimerWheel) {
    this.handler = handler;
    this.clock = clock;
    this.timers = timers;
  }

  /** Asks about `about`, and stops asking when that is cancelled. @throws CallError, or rejects with one */
  async check(request: CheckRequest, timeoutMs: number, about: Call): Promise<CheckResponse> {
    const { input, output } = method();
    const nowMs = this.clock.nowMs();
    const deadline = new Deadline(Math.min(nowMs + timeoutMs, about.deadline.atMs));
    const question = Payload.ofJson(input, Buffer.from(JSON.stringify(request)));
    const call = new Call(method(), caller, new Metadata(), new SingleMessage(question), deadline, nowMs);
    deadline.call = call;
    this.timers.schedule(deadline);
    call.onEnd(() => this.timers.remove(deadline));
    about.onCancel((error) => call.cancel(error));
    try {
      const reply = await this.handler(call);
      const answer = reply.messages.single!;
      const response = JSON.parse(Buffer.from(new Payload(output, answer.wire(), undefined).json()).toString()) as CheckResponse;
      call.finish(okStatus());
      return response;
    } catch (error) {
      call.finish(statusOf(error as CallError));
      throw error;
    }
  }
}
