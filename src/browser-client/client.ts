/**
 * Calls over WebSocket from a browser, in `dragoman.v1+json`: served as `/.dragoman/client.js`. What it offers is in client-types.ts.
 *
 * Two traps. It runs in browsers and must stay below 3 KB, so it uses what they have and nothing else. And a WebSocket cannot be told to wait:
 * what makes the server wait for a page that reads slowly is the window it is given. (A WebSocketStream can wait, but Chromium drops
 * what was not read when the close frame comes.)
 */
import type * as Types from "./client-types.ts";

type Call<Request, Response> = Types.Call<Request, Response>;

/** Text in and out over one connection. */
interface Wire {
  /** The next frame; undefined when the connection is closed. */
  read(): Promise<string | undefined>;
  /** Settles when there is room for more. */
  write(text: string): Promise<unknown>;
  close(): void;
}

const { location } = globalThis as { readonly location?: { readonly href: string } };
/** Messages that may be on their way to a page that does not take them. */
const windowMessages = 64;
/** What may wait in a WebSocket before `send` waits too. */
const highWaterBytes = 65_536;

export class RpcError extends Error implements Types.Status {
  declare code: number;
  declare details: unknown[];
  declare trailers: Types.Metadata;

  constructor(status: Types.Status) {
    super(status.message);
    Object.assign(this, status);
  }
}

function wireOf(socket: WebSocket): Wire {
  const frames: (string | undefined)[] = [];
  let taker: ((frame: string | undefined) => void) | undefined;
  const opened = new Promise<void>((resolve) => {
    socket.onopen = () => resolve();
    // Where a page's policy forbids the connection, some browsers tell only of the error.
    socket.onclose = socket.onerror = () => {
      put(undefined);
      resolve();
    };
  });
  const put = (frame: string | undefined): void => {
    if (taker) taker(frame);
    else frames.push(frame);
    taker = undefined;
  };
  socket.onmessage = ({ data }) => put(data as string);
  return {
    read: () => (frames.length > 0 ? Promise.resolve(frames.shift()) : new Promise((resolve) => (taker = resolve))),
    async write(text) {
      await opened;
      if (socket.readyState === 1) socket.send(text);
      while (socket.readyState === 1 && socket.bufferedAmount > highWaterBytes) await new Promise((resolve) => setTimeout(resolve, 5));
    },
    close: () => socket.close(),
  };
}

export function open<Request = unknown, Response = unknown>(
  path: string,
  { metadata = {}, signal, origin }: Types.CallOptions = {},
): Call<Request, Response> {
  const url = new URL(path, origin ?? location?.href).href.replace(/^http/, "ws");
  const wire = wireOf(new WebSocket(url, "dragoman.v1+json"));
  let ended = false;
  let taken = 0;
  let tellHead!: (metadata: Types.Metadata) => void;
  let tellEnd!: (status: Types.Status) => void;
  const head = new Promise<Types.Metadata>((resolve) => (tellHead = resolve));
  const status = new Promise<Types.Status>((resolve) => (tellEnd = resolve));

  const finish = (code: number, message: string, details: unknown[] = [], trailers: Types.Metadata = {}): void => {
    ended = true;
    tellHead({});
    tellEnd({ code, message, details, trailers });
    signal?.removeEventListener("abort", cancel);
  };
  const cancel = (): void => {
    if (ended) return;
    finish(1, "cancelled");
    wire.close();
  };
  const put = (frame: object): Promise<void> => wire.write(JSON.stringify(frame)).then(() => {});

  async function* answers(): AsyncGenerator<Response, void> {
    try {
      while (!ended) {
        const text = await wire.read();
        if (ended) break;
        if (text === undefined) finish(14, "the connection closed");
        else {
          const frame = JSON.parse(text) as {
            metadata?: Types.Metadata;
            message?: Response;
            status?: Types.Status;
            trailers?: Types.Metadata;
          };
          if (frame.metadata) tellHead(frame.metadata);
          if (frame.status) finish(frame.status.code, frame.status.message, frame.status.details, frame.trailers);
          if (frame.message !== undefined) {
            yield frame.message;
            if (++taken % (windowMessages / 2) === 0) void put({ window: windowMessages / 2 });
          }
        }
      }
    } finally {
      cancel();
    }
    const end = await status;
    if (end.code) throw new RpcError(end);
  }

  if (signal?.aborted) cancel();
  else signal?.addEventListener("abort", cancel);
  void put({ metadata, window: windowMessages });
  const rest = answers();
  // Read ahead by one, so that the metadata comes without anybody asking for a message.
  let first: Promise<IteratorResult<Response, void>> | undefined = rest.next();
  first.catch(() => {});
  return {
    send: (message) => put({ message }),
    end: () => void put({ end: true }),
    cancel,
    metadata: head,
    status,
    [Symbol.asyncIterator]: () => ({
      next() {
        const next = first ?? rest.next();
        first = undefined;
        return next;
      },
      return() {
        cancel();
        return rest.return();
      },
    }),
  };
}

async function feed<Request>(call: Call<Request, unknown>, messages: Iterable<Request> | AsyncIterable<Request>): Promise<void> {
  let over = false;
  void call.status.then(() => (over = true));
  try {
    for await (const message of messages) {
      if (over) return;
      await call.send(message);
    }
    call.end();
  } catch (error) {
    call.cancel();
    throw error;
  }
}

async function only<Response>(call: Call<never, Response>): Promise<Response> {
  let answer: Response | undefined;
  for await (const message of call) answer = message;
  return answer!;
}

export const unary: typeof Types.unary = (path, message, options) => only(serverStream(path, message, options));

export const serverStream: typeof Types.serverStream = (path, message, options) => bidi(path, [message], options);

export const clientStream: typeof Types.clientStream = (path, messages, options) => only(bidi(path, messages, options));

export const bidi: typeof Types.bidi = <Request, Response>(
  path: string,
  messages: Iterable<Request> | AsyncIterable<Request>,
  options?: Types.CallOptions,
): Call<Request, Response> => {
  const call = open<Request, Response>(path, options);
  void feed(call, messages);
  return call;
};
