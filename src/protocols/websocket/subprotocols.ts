/** What a connection may speak: the names a client offers in `Sec-WebSocket-Protocol`, and what each stands for. */

/** `json` is plain JSON: also what a client speaks that offers nothing. */
export type Subprotocol = "json" | "dragoman-json" | "dragoman-proto" | "grpc";

export const subprotocols: ReadonlyMap<string, Subprotocol> = new Map<string, Subprotocol>([
  ["dragoman.v1+json", "dragoman-json"],
  ["dragoman.v1+proto", "dragoman-proto"],
  ["grpc-websockets", "grpc"],
  ["json", "json"],
]);
