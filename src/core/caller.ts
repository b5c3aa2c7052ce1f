/** Who sent a call, as far as the connection tells. */
import type { X509Certificate } from "node:crypto";

export interface Caller {
  /** Remote address without port: "10.0.0.7". */
  readonly address: string;
  /** The inbound protocol, as its folder is named: "rest", "grpc". */
  readonly protocol: string;
  /** Came over TLS. */
  readonly secure: boolean;
  /** The caller's side of the TLS connection: one object for all its calls, so what is found out from it may be kept by its identity. */
  readonly tls?: CallerTls | undefined;
}

export interface CallerTls {
  /** The certificate the client has shown; read when first asked for. Undefined without one. */
  readonly certificate: X509Certificate | undefined;
  /** Why that certificate was not accepted in the handshake ("CERT_HAS_EXPIRED"); undefined when it was, or there is none. */
  readonly certificateFault: string | undefined;
}
