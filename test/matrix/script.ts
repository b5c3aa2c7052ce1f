/**
 * What one cell of the matrix plays: the same script is read by its client and by its backend, which find it by the trace id.
 *
 * The trap: both ends are in this process, so a script also holds the signals between them; nobody waits for a time.
 */
import type { Detail, Message } from "./messages.ts";

export const kinds = ["unary", "server stream", "client stream", "bidi"] as const;
export type Kind = (typeof kinds)[number];

/** Of dragoman.test.v1.Echo, the service of every cell. */
export const methodOfKind: Readonly<Record<Kind, string>> = {
  unary: "Unary",
  "server stream": "Expand",
  "client stream": "Collect",
  bidi: "Chat",
};
export const servicePath = "/dragoman.test.v1.Echo/";
/** Where no schema has a method. */
export const opaquePath = "/opaque/";

export const streamsRequests = (kind: Kind): boolean => kind === "client stream" || kind === "bidi";
export const streamsAnswers = (kind: Kind): boolean => kind === "server stream" || kind === "bidi";

/**
 * What the backend does. "fails": with its status alone; "fails late": behind head and answers; "hangs": nothing, until it is cancelled;
 * "resets": breaks the call off unanswered; "vanishes": loses the connection behind the head and the first answer, where there are several.
 */
export type Play = "answers" | "fails" | "fails late" | "hangs" | "resets" | "vanishes";

export interface Failure {
  readonly code: number;
  readonly message: string;
  readonly details: readonly Detail[];
}

/** What the backend saw of a call. */
export interface SeenCall {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly messages: Message[];
  /** Of each message: it came compressed. */
  readonly compressed: boolean[];
  /** Broken off from the other side before it was over. */
  aborted: boolean;
}

/** A call that has just arrived. */
export function seenCallOf(path: string, fields: Readonly<Record<string, string | string[] | undefined>>): SeenCall {
  const headers = Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, String(value)]));
  return { path, headers, messages: [], compressed: [], aborted: false };
}

export interface Script {
  /** 32 hex digits: the trace id of `traceparent`. */
  readonly id: string;
  readonly kind: Kind;
  readonly play: Play;
  readonly requests: readonly Message[];
  readonly answers: readonly Message[];
  readonly failure: Failure | undefined;
  /** Request metadata; what the backend sends before and behind its answers. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly head: Readonly<Record<string, string>>;
  readonly tail: Readonly<Record<string, string>>;
  readonly timeoutMs: number | undefined;
  /** The client leaves once the backend has the call. */
  readonly leaves: boolean;
  /** Both ends compress what they send. */
  readonly gzip: boolean;
  /** Calls that arrived at the backend. */
  readonly seen: SeenCall[];
  /** Settles when one has come, with all its messages. */
  readonly arrived: PromiseWithResolvers<void>;
  /** Settles when the client has its first answer, or its end. */
  readonly answered: PromiseWithResolvers<void>;
}

export function traceparentOf({ id }: Script): string {
  return `00-${id}-00000000000000aa-01`;
}

/** The trace id of a `traceparent`; "" without one. */
export function traceIdOf(traceparent: string | undefined): string {
  return traceparent?.split("-")[1] ?? "";
}

/** Header fields with which every client sends a call. */
export function metadataOf(script: Script): Record<string, string> {
  return { traceparent: traceparentOf(script), ...script.metadata };
}

/** How a client saw a call end, in neutral words, and in those of its protocol. */
export interface Observed {
  readonly code: number;
  readonly message: string;
  readonly details: readonly Detail[];
  readonly messages: readonly Message[];
  readonly metadata: Readonly<Record<string, string>>;
  readonly trailers: Readonly<Record<string, string>>;
  /** What only this protocol shows: HTTP status, content type, close code, whether answers were compressed. */
  readonly form: Readonly<Record<string, unknown>>;
}

export interface MatrixClient {
  /** Plays the client's part. What it resolves with where the script says that it leaves is not looked at. */
  call(script: Script): Promise<Observed>;
  close(): void;
}

export interface MatrixBackend {
  /** What `inbound.upstream` says. */
  readonly upstream: string;
  stop(): Promise<void>;
}
