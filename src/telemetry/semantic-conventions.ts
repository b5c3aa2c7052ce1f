/**
 * Names of OpenTelemetry's semantic conventions (1.45) that are written here, and those of our own.
 *
 * A test compares them with the conventions' own list.
 */
export const attribute = {
  serviceName: "service.name",
  serviceVersion: "service.version",
  serviceInstanceId: "service.instance.id",
  hostName: "host.name",
  processPid: "process.pid",
  rpcSystem: "rpc.system.name",
  rpcMethod: "rpc.method",
  rpcStatusCode: "rpc.status_code",
  httpMethod: "http.request.method",
  httpRoute: "http.route",
  httpStatus: "http.response.status_code",
  urlScheme: "url.scheme",
  urlTemplate: "url.template",
  errorType: "error.type",
  clientAddress: "client.address",
  serverAddress: "server.address",
  serverPort: "server.port",
  networkProtocol: "network.protocol.name",
} as const;

/** Ours: what the conventions have no word for. */
export const ownAttribute = {
  /** The inbound protocol, as its folder is named. */
  protocol: "dragoman.protocol",
  /** The word of docs/reasons.md. */
  reason: "dragoman.reason",
  /** Who is at fault: caller, proxy, upstream. */
  source: "dragoman.source",
  /** 2 for the first retry; not said of the first try. */
  attempt: "dragoman.attempt",
  /** The code a failed attempt ended with, as a word. */
  code: "dragoman.code",
  /** Milliseconds until the next attempt. */
  delayMs: "dragoman.delay_ms",
} as const;
