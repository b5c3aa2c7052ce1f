/** node:tls, loaded when the first connection wants it: a sidecar in clear text is 4 MB smaller without. */
import type * as tls from "node:tls";

export function tlsModule(): typeof tls {
  return process.getBuiltinModule("node:tls");
}
