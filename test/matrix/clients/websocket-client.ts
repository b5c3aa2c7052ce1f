/** `ws` as a client of the matrix, in each of the four subprotocols: what frames are sent, and what the received ones say. */
import { gzipSync } from "node:zlib";
import { openSocket, type SocketClient } from "../../support/socket-client.ts";
import { envelope, fieldsOfLines } from "../envelopes.ts";
import { decode, decodeAnswer, detailOf, encode, encodeRequest, type Detail, type Message } from "../messages.ts";
import { metadataOf, methodOfKind, servicePath, streamsRequests, type MatrixClient, type Observed, type Script } from "../script.ts";
import { grpcEnd } from "./enveloped-client.ts";

export type Subprotocol = "json" | "dragoman.v1+json" | "dragoman.v1+proto" | "grpc-websockets";

type Frame = string | Buffer;

/** What the frames so far say. */
interface Said {
  metadata: Record<string, string>;
  messages: Message[];
  end: Pick<Observed, "code" | "message" | "details" | "trailers"> | undefined;
}

interface Dialect {
  /** Metadata travels in the first frame, not in the upgrade. */
  readonly metadataFrame: ((fields: Readonly<Record<string, string>>) => Frame) | undefined;
  message(message: Message, gzip: boolean): Frame;
  readonly end: Frame;
  /** A call of one message is over with it. */
  readonly endsByItself: boolean;
  read(frame: Frame, said: Said): void;
}

interface StatusJson {
  readonly code: number;
  readonly message: string;
  readonly details: Detail[];
}

const frameType = "dragoman.websocket.v1.Frame";
const protoFrame = (frame: object): Buffer => encode(frameType, frame);
const protoFields = (fields: Readonly<Record<string, string>>): object => ({
  fields: Object.entries(fields).map(([name, value]) => ({ name, value })),
});

const dialects: Readonly<Record<Subprotocol, Dialect>> = {
  json: {
    metadataFrame: undefined,
    message: (message) => JSON.stringify(message),
    end: "",
    endsByItself: true,
    read(frame, said) {
      const value = JSON.parse(frame as string) as Message & { error?: StatusJson };
      if (value.error === undefined) said.messages.push(value);
      else said.end = { ...value.error, trailers: {} };
    },
  },
  "dragoman.v1+json": {
    metadataFrame: (metadata) => JSON.stringify({ metadata }),
    message: (message) => JSON.stringify({ message }),
    end: '{"end":true}',
    endsByItself: true,
    read(frame, said) {
      const { metadata, message, status, trailers } = JSON.parse(frame as string) as {
        metadata?: Record<string, string>;
        message?: Message;
        status?: StatusJson;
        trailers?: Record<string, string>;
      };
      if (metadata !== undefined) said.metadata = metadata;
      if (message !== undefined) said.messages.push(message);
      if (status !== undefined) said.end = { ...status, trailers: trailers! };
    },
  },
  "dragoman.v1+proto": {
    metadataFrame: (fields) => protoFrame({ metadata: protoFields(fields) }),
    message: (message) => protoFrame({ message: encodeRequest(message) }),
    end: protoFrame({ end: true }),
    endsByItself: true,
    read(frame, said) {
      interface Fields {
        readonly fields?: { name: string; value: string }[];
      }
      const { metadata, message, status, trailers } = decode(frameType, frame as Buffer) as {
        metadata?: Fields;
        message?: string;
        status?: { code?: number; message?: string; details?: { type_url: string; value: string }[] };
        trailers?: Fields;
      };
      const texts = ({ fields = [] }: Fields = {}): Record<string, string> =>
        Object.fromEntries(fields.map(({ name, value }) => [name, value]));
      if (metadata !== undefined) said.metadata = texts(metadata);
      if (message !== undefined) said.messages.push(decodeAnswer(Buffer.from(message, "base64")));
      if (status === undefined) return;
      const details = (status.details ?? []).map(({ type_url: url, value }) => detailOf(url, Buffer.from(value, "base64")));
      said.end = { code: status.code ?? 0, message: status.message ?? "", details, trailers: texts(trailers) };
    },
  },
  "grpc-websockets": {
    metadataFrame: (fields) =>
      Buffer.from(
        Object.entries(fields)
          .map(([name, value]) => `${name}: ${value}\r\n`)
          .join(""),
      ),
    message(message, gzip) {
      const bytes = encodeRequest(message);
      return Buffer.concat([Buffer.from([0]), gzip ? envelope(1, gzipSync(bytes)) : envelope(0, bytes)]);
    },
    end: Buffer.from([1]),
    endsByItself: false,
    read(frame, said) {
      const bytes = frame as Buffer;
      if (bytes[0] === 0) {
        said.messages.push(decodeAnswer(bytes.subarray(5)));
        return;
      }
      const fields = fieldsOfLines(bytes.toString("latin1", 5));
      if (fields["grpc-status"] === undefined) said.metadata = fields;
      else said.end = grpcEnd(fields);
    },
  },
};

export function createWebSocketClient(port: number, subprotocol: Subprotocol): MatrixClient {
  const dialect = dialects[subprotocol];
  return { call: (script) => talk(port, subprotocol, dialect, script), close: () => undefined };
}

async function talk(port: number, subprotocol: Subprotocol, dialect: Dialect, script: Script): Promise<Observed> {
  // The trace in the upgrade for all: what is refused before there is a call is traced by that.
  const { traceparent, ...fields } = fieldsOf(script, subprotocol);
  const inUpgrade = { traceparent: traceparent!, ...(dialect.metadataFrame === undefined ? fields : {}) };
  const path = servicePath + methodOfKind[script.kind];
  const client = await openSocket(port, path, [subprotocol], { perMessageDeflate: script.gzip, headers: inUpgrade });
  const said: Said = { metadata: {}, messages: [], end: undefined };
  let over = client.ws.readyState === client.ws.CLOSED;
  // A call that is refused at once is refused in the packet that brings the 101.
  for (const frame of client.received) dialect.read(frame, said);
  let wake: () => void = () => undefined;
  client.ws.on("message", (data: Buffer, binary: boolean) => {
    dialect.read(binary ? data : data.toString(), said);
    if (said.messages.length > 0) script.answered.resolve();
    wake();
  });
  client.ws.on("close", () => {
    over = true;
    script.answered.resolve();
    wake();
  });
  if (script.leaves) void script.arrived.promise.then(() => client.ws.close());
  if (dialect.metadataFrame !== undefined) client.send(dialect.metadataFrame(fields));
  for (const [index, message] of script.requests.entries()) {
    if (over) break;
    client.send(dialect.message(message, script.gzip && subprotocol === "grpc-websockets"));
    if (script.kind === "bidi") while (said.messages.length <= index && !over) await new Promise<void>((waked) => (wake = waked));
  }
  const single = !streamsRequests(script.kind) && script.requests.length === 1;
  if (!over && !(single && dialect.endsByItself)) client.send(dialect.end);
  return observed(client, said, subprotocol, script);
}

async function observed(client: SocketClient, said: Said, subprotocol: Subprotocol, { gzip }: Script): Promise<Observed> {
  const { code: closeCode } = await client.closed;
  // Plain JSON says that all is well by the close code alone.
  const silent = closeCode === 1000 && subprotocol === "json" ? 0 : -1;
  const { end = { code: silent, message: "", details: [], trailers: {} }, messages, metadata } = said;
  return { ...end, messages, metadata, form: { closeCode, compressed: gzip && client.ws.extensions.includes("permessage-deflate") } };
}

function fieldsOf(script: Script, subprotocol: Subprotocol): Record<string, string> {
  const fields = metadataOf(script);
  if (script.timeoutMs !== undefined) fields["grpc-timeout"] = `${script.timeoutMs}m`;
  if (script.gzip && subprotocol === "grpc-websockets") fields["grpc-encoding"] = "gzip";
  return fields;
}
