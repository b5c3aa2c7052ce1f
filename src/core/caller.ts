/** Who sent a call, as far as the connection tells. */
export interface Caller {
  /** Remote address without port: "10.0.0.7". */
  readonly address: string;
  /** The inbound protocol, as its folder is named: "rest", "grpc". */
  readonly protocol: string;
  /** Came over TLS. */
  readonly secure: boolean;
}
