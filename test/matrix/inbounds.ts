/**
 * The rows of the matrix: each protocol that comes in, by the client that speaks it, and what its wire shows of a call.
 *
 * A row is a line of this table. What a protocol cannot carry stands in `cannot`, with the refusal that its caller must get.
 */
import { createConnectUnaryClient } from "./clients/connect-unary-client.ts";
import { createEnvelopedClient, type EnvelopedForm } from "./clients/enveloped-client.ts";
import { createGrpcJsClient } from "./clients/grpc-js-client.ts";
import { createHttpClient } from "./clients/http-client.ts";
import type { WireOptions } from "./clients/http-wire.ts";
import { createPassedSocketClient } from "./clients/passed-socket-client.ts";
import { createRestClient, type StreamFormName } from "./clients/rest-client.ts";
import { createWebSocketClient, type Subprotocol } from "./clients/websocket-client.ts";
import type { Ending } from "./outcomes.ts";
import { opaquePath, servicePath, streamsAnswers, type Kind, type MatrixClient } from "./script.ts";
import { httpStatusOfCode } from "./statuses.ts";

/** What becomes of a cell that cannot be. */
export interface Instead {
  /** One line for the page. */
  readonly why: string;
  /** Of the refusal, in docs/reasons.md; undefined: the call passes as plain HTTP, whatever it is. */
  readonly reason: string | undefined;
  /** Where it differs from the reason's. */
  readonly httpStatus?: number;
  /** Answered by HTTP status and words alone. */
  readonly inWords?: boolean;
}

export interface Inbound {
  readonly name: string;
  readonly over: "HTTP/1.1" | "HTTP/2";
  readonly tls: boolean;
  /** As access log and metrics call it. */
  readonly protocol: string;
  connect(port: number): MatrixClient;
  /** The same protocol's requests as plain HTTP; undefined for a protocol that needs more than HTTP/1.1 has. */
  connectPlain?(port: number): MatrixClient;
  /** Metadata and trailers of the answer have a place. */
  readonly showsMetadata: boolean;
  /** Compressed protobuf crosses as it came. */
  readonly passesCompressed: boolean;
  /** What an answer is when both sides compress. */
  readonly compressesAnswers: boolean;
  /** A unary request without a message: the reason of its refusal, or undefined where it is a message without fields. */
  readonly withoutMessage: string | undefined;
  readonly cannot?: Readonly<Partial<Record<Kind, Instead>>>;
  /** Outcomes that the protocol does not have. */
  readonly without?: ReadonlySet<string>;
  /** Nobody between looks into it. */
  readonly passedOn?: boolean;
  /** Calls are GET requests. */
  readonly byGet?: boolean;
  /** What the protocol's own wire says of such an ending. @param begun answers came before it */
  form(kind: Kind, ending: Ending, begun: boolean): Readonly<Record<string, unknown>>;
}

type Over = Pick<Inbound, "over" | "tls">;

const over1: Over = { over: "HTTP/1.1", tls: false };
const over2: Over = { over: "HTTP/2", tls: false };
const overTls1: Over = { over: "HTTP/1.1", tls: true };
const overTls2: Over = { over: "HTTP/2", tls: true };

const wireOf = (port: number, { over, tls }: Over): WireOptions => ({ port, http: over === "HTTP/2" ? "2" : "1.1", tls });

/** Requests of some content type, to be passed on as they are. */
const plainOf =
  (by: Over, contentType: string, path = servicePath, method: "POST" | "GET" = "POST") =>
  (port: number): MatrixClient =>
    createHttpClient(wireOf(port, by), { method, contentType, path, fullDuplex: by.over === "HTTP/2" });

function grpcJs(by: Over): Inbound {
  return {
    name: "gRPC",
    ...by,
    protocol: "grpc",
    connect: (port) => createGrpcJsClient(port, by.tls),
    showsMetadata: true,
    passesCompressed: true,
    compressesAnswers: true,
    withoutMessage: "MISSING_MESSAGE",
    form: () => ({}),
  };
}

function enveloped(
  name: string,
  protocol: string,
  by: Over,
  form: Pick<EnvelopedForm, "end" | "json" | "text" | "contentType">,
  answerType: string,
): Inbound {
  return {
    name,
    ...by,
    protocol,
    connect: (port) => createEnvelopedClient(wireOf(port, by), { ...form, fullDuplex: by.over === "HTTP/2" }),
    showsMetadata: true,
    passesCompressed: !form.json,
    compressesAnswers: !form.json,
    withoutMessage: "MISSING_MESSAGE",
    ...(protocol === "grpc" ? {} : { connectPlain: plainOf(by, form.contentType) }),
    form: () => ({ httpStatus: 200, contentType: answerType, broken: false }),
  };
}

const trailers = { json: false, text: false, end: "trailers" } as const;
const trailersFrame = { json: false, text: false, end: "trailers frame" } as const;

const grpcOver1 = (by: Over): Inbound =>
  enveloped("gRPC", "grpc", by, { ...trailers, contentType: "application/grpc" }, "application/grpc");
const grpcJson = (by: Over): Inbound =>
  enveloped("gRPC, JSON", "grpc", by, { ...trailers, json: true, contentType: "application/grpc+json" }, "application/grpc+json");
const web = (by: Over): Inbound =>
  enveloped("gRPC-Web", "grpc-web", by, { ...trailersFrame, contentType: "application/grpc-web" }, "application/grpc-web+proto");
const webText = (by: Over): Inbound =>
  enveloped(
    "gRPC-Web, text",
    "grpc-web",
    by,
    { ...trailersFrame, text: true, contentType: "application/grpc-web-text" },
    "application/grpc-web-text+proto",
  );
const webJson = (by: Over): Inbound =>
  enveloped(
    "gRPC-Web, JSON",
    "grpc-web",
    by,
    { ...trailersFrame, json: true, contentType: "application/grpc-web+json" },
    "application/grpc-web+json",
  );

const unaryTypeOf = (json: boolean): string => (json ? "application/json" : "application/proto");

function connect(by: Over, json: boolean): Inbound {
  const streamType = json ? "application/connect+json" : "application/connect+proto";
  const unaryType = unaryTypeOf(json);
  return {
    name: json ? "Connect, JSON" : "Connect",
    ...by,
    protocol: "connect",
    connect(port) {
      const wire = wireOf(port, by);
      const unary = createConnectUnaryClient(wire, { json, get: false });
      const streams = createEnvelopedClient(wire, {
        contentType: streamType,
        json,
        text: false,
        end: "end of stream",
        fullDuplex: by.over === "HTTP/2",
      });
      return {
        call: (script) => (script.kind === "unary" ? unary : streams).call(script),
        close() {
          unary.close();
          streams.close();
        },
      };
    },
    connectPlain: plainOf(by, unaryType),
    showsMetadata: true,
    passesCompressed: !json,
    compressesAnswers: !json,
    withoutMessage: json ? "INVALID_JSON" : undefined,
    form(kind, { code }) {
      if (kind !== "unary") return { httpStatus: 200, contentType: streamType, broken: false };
      return { httpStatus: httpStatusOfCode(code), contentType: code === 0 ? unaryType : "application/json", broken: false };
    },
  };
}

const notByGet: Instead = { why: "GET is for unary methods", reason: "METHOD_NOT_ALLOWED", inWords: true };

function connectGet(by: Over, json: boolean): Inbound {
  const row = connect(by, json);
  return {
    ...row,
    name: json ? "Connect GET, JSON" : "Connect GET",
    connect: (port) => createConnectUnaryClient(wireOf(port, by), { json, get: true }),
    connectPlain: plainOf(by, unaryTypeOf(json), servicePath, "GET"),
    byGet: true,
    cannot: { "server stream": notByGet, "client stream": notByGet, bidi: notByGet },
  };
}

const streamTypes: Readonly<Record<StreamFormName, string>> = {
  array: "application/json",
  lines: "application/x-ndjson",
  events: "text/event-stream",
};

function rest(by: Over, stream: StreamFormName): Inbound {
  const both: Instead = { why: "streams both ways need HTTP/2 or a WebSocket", reason: "UNSUPPORTED_STREAMING", httpStatus: 400 };
  return {
    name: `REST, ${stream}`,
    ...by,
    protocol: "rest",
    // An array can be read to its end only.
    connect: (port) => createRestClient(wireOf(port, by), { stream, fullDuplex: stream !== "array" }),
    connectPlain: plainOf(by, "application/json"),
    showsMetadata: true,
    passesCompressed: false,
    compressesAnswers: true,
    withoutMessage: undefined,
    ...(by.over === "HTTP/1.1" ? { cannot: { bidi: both } } : {}),
    form(kind, { code, httpStatus }, begun) {
      const streamed = streamsAnswers(kind) && (code === 0 || begun);
      if (streamed) return { httpStatus: 200, contentType: streamTypes[stream], broken: false };
      return { httpStatus: code === 0 ? 200 : httpStatus, contentType: "application/json", broken: false };
    },
  };
}

function webSocket(name: string, subprotocol: Subprotocol): Inbound {
  const plain = subprotocol === "json";
  return {
    name,
    ...over1,
    protocol: "websocket",
    connect: (port) => createWebSocketClient(port, subprotocol),
    connectPlain: (port) => createPassedSocketClient(port, servicePath, [subprotocol]),
    showsMetadata: !plain,
    passesCompressed: false,
    compressesAnswers: true,
    withoutMessage: plain ? undefined : "MISSING_MESSAGE",
    form: (_kind, { code, closeCode }) => ({ closeCode: closeCode ?? (plain && code !== 0 ? 4000 + code : 1000) }),
  };
}

function plainHttp(by: Over): Inbound {
  return {
    name: "plain HTTP",
    ...by,
    protocol: "http",
    connect: plainOf(by, "text/x-lines", opaquePath),
    passedOn: true,
    without: new Set(["late failure", "failure in mid-stream"]),
    showsMetadata: true,
    passesCompressed: true,
    compressesAnswers: true,
    withoutMessage: undefined,
    form(_kind, { code, httpStatus, reason }) {
      const own = reason !== undefined && reason !== "UPSTREAM_STATUS";
      const contentType = code === 0 ? "text/x-lines" : own ? "application/json" : "text/plain";
      return { httpStatus: code === 0 ? 200 : httpStatus, contentType, broken: false };
    },
  };
}

/** What requests are seen as that pass as they are. */
export const plainHttpRow = plainHttp(over1);
export const passedSocketRow: Inbound = {
  name: "WebSocket, passed on",
  ...over1,
  protocol: "websocket",
  connect: (port) => createPassedSocketClient(port, opaquePath),
  passedOn: true,
  showsMetadata: true,
  passesCompressed: false,
  compressesAnswers: true,
  withoutMessage: undefined,
  // What fails before the 101 is an answer of HTTP.
  form: (_kind, { code, httpStatus }) => (code === 0 ? { closeCode: 1000 } : { httpStatus }),
};

export const inbounds: readonly Inbound[] = [
  grpcJs(over2),
  grpcJs(overTls2),
  grpcOver1(over1),
  grpcJson(over2),
  web(over1),
  web(over2),
  webText(over1),
  webText(over2),
  webJson(over1),
  connect(over1, false),
  connect(over2, false),
  connect(over1, true),
  connect(over2, true),
  connect(overTls2, true),
  connectGet(over1, false),
  connectGet(over2, true),
  rest(over1, "array"),
  rest(over2, "array"),
  rest(overTls1, "array"),
  rest(over1, "lines"),
  rest(over2, "lines"),
  rest(over1, "events"),
  rest(over2, "events"),
  webSocket("WebSocket, plain JSON", "json"),
  webSocket("WebSocket, dragoman.v1+json", "dragoman.v1+json"),
  webSocket("WebSocket, dragoman.v1+proto", "dragoman.v1+proto"),
  webSocket("WebSocket, grpc-websockets", "grpc-websockets"),
  passedSocketRow,
  plainHttpRow,
  plainHttp(over2),
  plainHttp(overTls2),
];
