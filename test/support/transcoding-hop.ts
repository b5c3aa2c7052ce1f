/** REST over real sockets to a real grpc-js backend of dragoman.transcoding.v1.Transcoding; begins and ends with the suite it is called in. */
import { connect, type ClientHttp2Stream } from "node:http2";
import { clusterAt, startHop, type Hop, type HopOptions } from "./hop.ts";
import { startTranscodingServer, transcodingSchema, type TranscodingServer } from "./transcoding-server.ts";

export interface ErrorBody {
  code: number;
  message: string;
  details: {
    "@type": string;
    reason?: string;
    fieldViolations?: { field: string; description: string }[];
  }[];
}

export interface Http2Answer {
  readonly headers: Record<string, string>;
  readonly trailers: Record<string, string> | undefined;
  readonly text: string;
}

export type Body = string | Uint8Array | FormData | URLSearchParams | ReadableStream<Uint8Array>;

export class TranscodingHop {
  backend!: TranscodingServer;
  hop!: Hop;
  private readonly stops: (() => Promise<void> | void)[] = [];

  get base(): string {
    return `http://127.0.0.1:${this.hop.port}`;
  }

  /** Registers the hooks. */
  static inSuite(options: Partial<Omit<HopOptions, "handler" | "schema">> = {}): TranscodingHop {
    const it = new TranscodingHop();
    before(async () => {
      it.backend = await startTranscodingServer();
      it.stops.unshift(() => it.backend.stop());
      const cluster = clusterAt(it.backend.port);
      it.stops.unshift(() => cluster.close());
      it.hop = await startHop({ handler: cluster.handler, schema: transcodingSchema(), ...options });
      it.stops.unshift(() => it.hop.stop());
    });
    after(async () => {
      for (const stop of it.stops) await stop();
    });
    return it;
  }

  send(method: string, path: string, headers: Record<string, string> = {}, body?: Body): Promise<Response> {
    const streams = body instanceof ReadableStream;
    return fetch(this.base + path, {
      method,
      headers,
      ...(body === undefined ? {} : { body: body as string }),
      ...(streams ? { duplex: "half" } : {}),
    });
  }

  /** Over HTTP/2, with the stream in the caller's hands. */
  open(method: string, path: string, headers: Record<string, string> = {}): { stream: ClientHttp2Stream; answer: Promise<Http2Answer> } {
    const session = connect(this.base);
    session.on("error", () => undefined);
    const stream = session.request({ ":method": method, ":path": path, ...headers }, { endStream: false });
    const answer = new Promise<Http2Answer>((resolve, reject) => {
      let head: Record<string, string> = {};
      let trailers: Record<string, string> | undefined;
      let text = "";
      stream.setEncoding("utf8");
      stream.on("response", (received) => (head = { ...received } as unknown as Record<string, string>));
      stream.on("trailers", (received) => (trailers = { ...received } as unknown as Record<string, string>));
      stream.on("data", (chunk: string) => (text += chunk));
      stream.on("error", reject);
      stream.on("close", () => {
        session.close();
        resolve({ headers: head, trailers, text });
      });
    });
    answer.catch(() => undefined);
    return { stream, answer };
  }
}

/** The bytes of `pieces` as a request body, one chunk each. */
export function streamOf(pieces: readonly (string | Uint8Array)[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    async start(controller) {
      for (const piece of pieces) {
        controller.enqueue(typeof piece === "string" ? Buffer.from(piece) : piece);
        await new Promise((resolve) => setImmediate(resolve));
      }
      controller.close();
    },
  });
}

export async function errorOf(response: Response): Promise<ErrorBody> {
  return (await response.json()) as ErrorBody;
}
