/**
 * Calls over WebSocket from a browser: what `/.dragoman/client.js` exports. Served as `/.dragoman/client.d.ts`.
 *
 * Messages are ProtoJSON: 64-bit integers and bytes are strings. A path is `/package.Service/Method`, or any that REST serves.
 */

/** Names in lower case; values of `-bin` names in base64. */
export type Metadata = Record<string, string | string[]>;

export interface CallOptions {
  /** What would be request headers: `{authorization: "Bearer …"}`, `{"grpc-timeout": "5S"}`. */
  metadata?: Metadata;
  /** Cancels the call. */
  signal?: AbortSignal;
  /** Where the service is, such as "https://api.example"; the page's own origin unless set. */
  origin?: string;
}

/** How a call ended. */
export interface Status {
  /** The gRPC code: 0 for success. 14 (UNAVAILABLE) where the connection broke, or the server asks to come back. */
  code: number;
  message: string;
  /** Messages such as `google.rpc.BadRequest`, each with its `@type`. */
  details: unknown[];
  trailers: Metadata;
}

/** What iterating over a call, and the functions that give one answer, throw when the code is not 0. */
export declare class RpcError extends Error implements Status {
  code: number;
  details: unknown[];
  trailers: Metadata;
}

/**
 * A call under way. Iterating over it gives the answers; leaving the loop early cancels it. While answers are not taken the server stops,
 * 64 messages ahead.
 */
export interface Call<Request, Response> extends AsyncIterable<Response> {
  /** Settles when there is room for the next message. */
  send(message: Request): Promise<void>;
  /** No more messages: the half-close. Answers go on. */
  end(): void;
  cancel(): void;
  /** The server's initial metadata. */
  readonly metadata: Promise<Metadata>;
  /** How it ended, once the answers have been taken. Never rejects. */
  readonly status: Promise<Status>;
}

/** Any method, by hand. */
export declare function open<Request = unknown, Response = unknown>(path: string, options?: CallOptions): Call<Request, Response>;

/** One message, one answer. @throws RpcError */
export declare function unary<Request = unknown, Response = unknown>(
  path: string,
  message: Request,
  options?: CallOptions,
): Promise<Response>;

/** One message, many answers. */
export declare function serverStream<Request = unknown, Response = unknown>(
  path: string,
  message: Request,
  options?: CallOptions,
): Call<Request, Response>;

/** Many messages, one answer. @throws RpcError */
export declare function clientStream<Request = unknown, Response = unknown>(
  path: string,
  messages: Iterable<Request> | AsyncIterable<Request>,
  options?: CallOptions,
): Promise<Response>;

/** Many messages, many answers. */
export declare function bidi<Request = unknown, Response = unknown>(
  path: string,
  messages: Iterable<Request> | AsyncIterable<Request>,
  options?: CallOptions,
): Call<Request, Response>;
