/** The tables of the matrix: each backend that a proxy may stand before. Another one is a line here, and a file beside the others. */
import { startGrpcBackend } from "./backends/grpc-backend.ts";
import { startRestBackend } from "./backends/rest-backend.ts";
import { restPaths } from "./clients/rest-client.ts";
import { ownEnding, type Ending } from "./outcomes.ts";
import { methodOfKind, servicePath, type Kind, type MatrixBackend, type Script } from "./script.ts";
import { codeOf, httpStatusOfCode } from "./statuses.ts";

export interface Outbound {
  readonly name: string;
  /** One line for the page. */
  readonly about: string;
  /** @param scripts by trace id */
  start(scripts: ReadonlyMap<string, Script>): Promise<MatrixBackend>;
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

export const outbounds: readonly Outbound[] = [
  {
    name: "gRPC",
    about: "HTTP/2 in clear text. Protobuf that came compressed leaves compressed; JSON is translated.",
    start: startGrpcBackend,
    path: (kind) => servicePath + methodOfKind[kind],
    takesCompressed: true,
    keepsTrailers: true,
    sharesConnection: true,
    // RST_STREAM with INTERNAL_ERROR (grpc/grpc doc/PROTOCOL-HTTP2.md, "Errors").
    get reset() {
      const code = codeOf("INTERNAL");
      return ownEnding("UPSTREAM_RESET", { code, httpStatus: httpStatusOfCode(code) });
    },
  },
  {
    name: "REST",
    about: "HTTP/1.1 and JSON, by the same `google.api.http` rules ([reverse.md](reverse.md)). Messages leave uncompressed.",
    start: startRestBackend,
    path: (kind) => restPaths[kind],
    takesCompressed: false,
    // The failure is a record of the stream, and the last thing that is read.
    keepsTrailers: false,
    sharesConnection: false,
    get reset() {
      return ownEnding("UPSTREAM_RESET");
    },
  },
];
