/**
 * Every form in which a stream crosses the proxy, in both directions, as clients that keep nothing: what a test or a benchmark needs to see
 * memory stay flat. The service is dragoman.transcoding.v1.Transcoding, the backend {@link FloodServer}.
 */
import { connect as connectHttp2 } from "node:http2";
import { connect, type Socket } from "node:net";
import { enveloped, note, Rest, type Flood } from "./flood-server.ts";

/** Told how many bytes the reader at the end has, or the writer has sent. */
export type Progress = (bytes: number) => void;

export interface StreamForm {
  readonly name: string;
  run(port: number, flood: Flood, progress: Progress): Promise<void>;
}

const service = "/dragoman.transcoding.v1.Transcoding";
const listRequest = enveloped(Buffer.alloc(0));

/** GET or POST over HTTP/1.1, and the answer at the pace of a slow reader. */
function download(name: string, head: string, body: Uint8Array = Buffer.alloc(0)): StreamForm {
  return {
    name,
    run: (port, flood, progress) =>
      new Promise((resolve, reject) => {
        const socket = connect(port, "127.0.0.1");
        const rest = new Rest(flood);
        let bytes = 0;
        let start = "";
        socket.write(`${head}\r\nHost: a\r\nConnection: close\r\n${body.length > 0 ? `Content-Length: ${body.length}\r\n` : ""}\r\n`);
        socket.write(body);
        socket.on("data", (chunk) => {
          if (bytes === 0) start = chunk.toString("latin1", 0, 200);
          bytes += chunk.length;
          progress(bytes);
          rest.after(chunk.length, socket);
        });
        socket.on("error", reject);
        socket.on("close", () => (bytes >= flood.totalBytes ? resolve() : reject(new Error(`${name}: ${bytes} bytes, ${start}`))));
      }),
  };
}

/** POST over HTTP/1.1 with a chunked body: `first`, then `piece` again and again, then `last`. */
function upload(name: string, head: string, parts: (flood: Flood) => { first?: string; piece: Uint8Array; last?: string }): StreamForm {
  return {
    name,
    run: async (port, flood, progress) => {
      const socket = connect(port, "127.0.0.1");
      const { first = "", piece, last = "" } = parts(flood);
      const answered = answer(socket);
      socket.write(`${head}\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n`);
      if (first !== "") socket.write(chunk(Buffer.from(first)));
      const repeated = chunk(piece);
      for (let bytes = 0; bytes < flood.totalBytes && !socket.destroyed; bytes += piece.length) {
        progress(bytes);
        if (!socket.write(repeated)) await Promise.race([new Promise((resolve) => socket.once("drain", resolve)), answered]);
      }
      if (last !== "") socket.write(chunk(Buffer.from(last)));
      socket.write("0\r\n\r\n");
      const text = await answered;
      if (!text.startsWith("HTTP/1.1 200")) throw new Error(`${name}: ${text.slice(0, 500)}`);
    },
  };
}

function chunk(bytes: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from("\r\n")]);
}

function answer(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    socket.setEncoding("latin1").on("data", (part: string) => (text += part));
    socket.on("error", reject).on("close", () => resolve(text));
  });
}

/** gRPC over HTTP/2. */
function grpc(name: string, method: string, way: "down" | "up"): StreamForm {
  return {
    name,
    run: (port, flood, progress) =>
      new Promise((resolve, reject) => {
        const session = connectHttp2(`http://127.0.0.1:${port}`, { settings: { initialWindowSize: 256 << 10 } });
        session.on("error", reject);
        const headers = { ":method": "POST", ":path": `${service}/${method}`, "content-type": "application/grpc", te: "trailers" };
        const stream = session.request(headers);
        const rest = new Rest(flood);
        let status: unknown;
        let bytes = 0;
        stream.on("trailers", (trailers) => (status = trailers["grpc-status"]));
        stream.on("error", reject);
        stream.on("close", () => {
          session.close();
          if (status === "0") resolve();
          else reject(new Error(`${name}: grpc-status ${String(status)}`));
        });
        stream.on("data", (part: Buffer) => {
          if (way === "up") return;
          bytes += part.length;
          progress(bytes);
          rest.after(part.length, stream);
        });
        if (way === "down") return void stream.end(listRequest);
        const message = enveloped(note(flood.messageBytes));
        const more = (): void => {
          while (bytes < flood.totalBytes && !stream.destroyed) {
            bytes += message.length;
            progress(bytes);
            if (!stream.write(message)) return void stream.once("drain", more);
          }
          stream.end();
        };
        more();
      }),
  };
}

const line = ({ messageBytes }: Flood): string => `{"text":"${"x".repeat(messageBytes)}"}`;
const post = (path: string, contentType: string): string => `POST ${path} HTTP/1.1\r\nContent-Type: ${contentType}`;
const boundary = "b0undary";

export const streamForms: readonly StreamForm[] = [
  download("JSON array, down", "GET /v1/notes/a HTTP/1.1"),
  download("NDJSON, down", "GET /v1/notes/a HTTP/1.1\r\nAccept: application/x-ndjson"),
  download("SSE, down", "GET /v1/notes/a HTTP/1.1\r\nAccept: text/event-stream"),
  download("HttpBody, down", "GET /v1/downloads/a HTTP/1.1"),
  download("gRPC-Web, down", post(`${service}/List`, "application/grpc-web+proto"), listRequest),
  download("Connect, down", post(`${service}/List`, "application/connect+proto"), listRequest),
  grpc("gRPC, down", "List", "down"),
  upload("JSON array, up", post("/v1/notes/a:collect", "application/json"), (flood) => ({
    first: `[${line(flood)}`,
    piece: Buffer.from(`,${line(flood)}`),
    last: "]",
  })),
  upload("NDJSON, up", post("/v1/notes/a:collect", "application/x-ndjson"), (flood) => ({ piece: Buffer.from(`${line(flood)}\n`) })),
  upload("HttpBody, up", post("/v1/raw-uploads", "image/png"), ({ messageBytes }) => ({ piece: Buffer.alloc(messageBytes, "x") })),
  upload("form, up", post("/v1/chunks/a", `multipart/form-data; boundary=${boundary}`), ({ messageBytes }) => ({
    first: `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="x"\r\nContent-Type: image/png\r\n\r\n`,
    piece: Buffer.alloc(messageBytes, "x"),
    last: `\r\n--${boundary}--\r\n`,
  })),
  upload("gRPC-Web, up", post(`${service}/Collect`, "application/grpc-web+proto"), ({ messageBytes }) => ({
    piece: enveloped(note(messageBytes)),
  })),
  upload("Connect, up", post(`${service}/Collect`, "application/connect+proto"), ({ messageBytes }) => ({
    piece: enveloped(note(messageBytes)),
    last: "\u0002\u0000\u0000\u0000\u0002{}",
  })),
  grpc("gRPC, up", "Collect", "up"),
];

/** For {@link streamForms}: the binding of the form upload. */
export const formRule = { selector: "dragoman.transcoding.v1.Transcoding.UploadChunks", post: "/v1/chunks/{name}", body: "*" };
