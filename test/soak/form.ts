/** What a call of the soak looks like: a form says how one is put together, a plan what happens to it. */
import type { Random } from "./random.ts";

export type Behaviour = "normal" | "failure" | "cancel" | "reset" | "slow" | "deadline" | "oversize" | "bad";
export type ProxyName = "echo" | "bodies" | "plain";
export type HttpVersion = "1.1" | "2";

export interface Plan {
  readonly behaviour: Behaviour;
  readonly random: Random;
}

export interface HttpRequest {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Pieces of the body, a write each. */
  readonly pieces?: readonly Uint8Array[];
  /** The body does not end: somebody else must end the call. */
  readonly open?: boolean;
  /** What may stand in a status of 200 and is an error nevertheless. */
  readonly failed?: RegExp;
}

export interface SocketRequest {
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly subprotocol: string | undefined;
  readonly frames: readonly (string | Uint8Array)[];
}

interface AnyForm {
  readonly name: string;
  readonly proxy: ProxyName;
  /** As access log and metrics call it. */
  readonly protocol: string;
  readonly behaviours: readonly Behaviour[];
}

export interface HttpForm extends AnyForm {
  readonly over: "http";
  readonly versions: readonly HttpVersion[];
  request(plan: Plan): HttpRequest;
}

export interface SocketForm extends AnyForm {
  readonly over: "websocket";
  request(plan: Plan): SocketRequest;
}

export type Form = HttpForm | SocketForm;

/** What the proxies of the soak take as a message; above it a call is oversize. */
export const limitBytes = 128 * 1024;
/** What a call that must run into its deadline asks for, and how long its backend would take. */
export const timeoutMs = 60;
export const waitMs = 4000;
