/** The tables of the matrix: each backend that a proxy may stand before. Another one is a line here, and a file beside the others. */
import { startConnectOver } from "./backends/connect-backend.ts";
import { startGrpcBackend } from "./backends/grpc-backend.ts";
import { startRestBackend } from "./backends/rest-backend.ts";
import { startHttpBackend } from "./backends/http-backend.ts";
import { restPaths } from "./clients/rest-client.ts";
import { ownEnding, type Ending } from "./outcomes.ts";
import { kinds, methodOfKind, servicePath, type Kind, type MatrixBackend, type Script } from "./script.ts";
import { codeOf, httpStatusOfCode } from "./statuses.ts";

export interface Outbound {
  readonly name: string;
  /** One line for the page. */
  readonly about: string;
  /** @param scripts by trace id */
  start(scripts: ReadonlyMap<string, Script>): Promise<MatrixBackend>;
  /** What the proxy is told of it, beside its address. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** "bytes": without a schema, so whatever comes in passes as plain HTTP, or not at all. */
  readonly speaks: "messages" | "bytes";
  /** Of the rows of each protocol only the first is played. */
  readonly oneRowEach?: boolean;
  /** What no schema describes is passed on as it is. */
  readonly passesHttp: boolean;
  /** What it is asked for. */
  path(kind: Kind): string;
  /** Compressed messages cross as they came. */
  readonly takesCompressed: boolean;
  /** Trailers are read behind a failure in mid-stream. */
  readonly keepsTrailers: boolean;
  /** Calls share a connection, so one that takes it down has to be alone. */
  readonly sharesConnection: boolean;
  /** What it means when it breaks a call off unanswered. */
  readonly reset: Ending;
}

const rules = {
  "inbound.rules": kinds.map((kind) => ({
    selector: `${servicePath.slice(1, -1)}.${methodOfKind[kind]}`,
    post: restPaths[kind],
    body: "*",
  })),
};

/** RST_STREAM with INTERNAL_ERROR (grpc/grpc doc/PROTOCOL-HTTP2.md, "Errors"). */
function resetByHttp2(): Ending {
  const code = codeOf("INTERNAL");
  return ownEnding("UPSTREAM_RESET", { code, httpStatus: httpStatusOfCode(code) });
}

function connect(over: "HTTP/1.1" | "HTTP/2"): Outbound {
  const is2 = over === "HTTP/2";
  return {
    name: `Connect over ${over}`,
    about: is2
      ? "Clear text, protobuf. What came compressed leaves compressed."
      : "The same over HTTP/1.1, `connect+http1://`; of each protocol one row.",
    start: startConnectOver(is2 ? "2" : "1.1"),
    settings: rules,
    speaks: "messages",
    oneRowEach: !is2,
    passesHttp: false,
    path: (kind) => servicePath + methodOfKind[kind],
    takesCompressed: true,
    keepsTrailers: true,
    sharesConnection: is2,
    reset: is2 ? resetByHttp2() : ownEnding("UPSTREAM_RESET"),
  };
}

export const outbounds: readonly Outbound[] = [
  {
    name: "gRPC",
    about: "HTTP/2 in clear text. Protobuf that came compressed leaves compressed; JSON is translated.",
    start: startGrpcBackend,
    settings: rules,
    speaks: "messages",
    passesHttp: false,
    path: (kind) => servicePath + methodOfKind[kind],
    takesCompressed: true,
    keepsTrailers: true,
    sharesConnection: true,
    reset: resetByHttp2(),
  },
  connect("HTTP/2"),
  connect("HTTP/1.1"),
  {
    name: "REST",
    about: "HTTP/1.1 and JSON, by the same `google.api.http` rules ([reverse.md](reverse.md)). Messages leave uncompressed.",
    start: startRestBackend,
    settings: rules,
    speaks: "messages",
    passesHttp: true,
    path: (kind) => restPaths[kind],
    takesCompressed: false,
    // The failure is a record of the stream, and the last thing that is read.
    keepsTrailers: false,
    sharesConnection: false,
    reset: ownEnding("UPSTREAM_RESET"),
  },
  {
    name: "plain HTTP",
    about: "HTTP/1.1 and no schema: what comes in is passed on as it is, by whatever protocol ([http.md](http.md)).",
    start: startHttpBackend,
    settings: { "inbound.schema": "none" },
    speaks: "bytes",
    passesHttp: true,
    path: (kind) => servicePath + methodOfKind[kind],
    takesCompressed: true,
    keepsTrailers: true,
    sharesConnection: false,
    reset: ownEnding("UPSTREAM_RESET"),
  },
];
