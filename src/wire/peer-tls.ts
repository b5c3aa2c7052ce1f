/**
 * What the TLS handshake told of the other side; one object for each connection.
 *
 * The trap: the certificate is parsed when somebody first asks, because most connections are never asked; a socket that has gone by then has
 * none to show.
 */
import type { X509Certificate } from "node:crypto";
import type { TLSSocket } from "node:tls";

export class PeerTls {
  readonly servername: string | undefined;
  readonly alpn: string | undefined;
  /** Why the handshake did not accept the certificate that was shown, where it did not have to; Node's word for it. */
  readonly certificateFault: string | undefined;
  private socket: TLSSocket | undefined;
  private parsed: X509Certificate | undefined;

  constructor(socket: TLSSocket) {
    this.servername = socket.servername || undefined;
    this.alpn = socket.alpnProtocol || undefined;
    // An Error by its type, and yet a word.
    const fault = socket.authorizationError as Error | string | null | undefined;
    this.certificateFault = fault
      ? String(fault instanceof Error ? ((fault as NodeJS.ErrnoException).code ?? fault.message) : fault)
      : undefined;
    this.socket = socket;
  }

  /** The certificate the other side has shown. */
  get certificate(): X509Certificate | undefined {
    const { socket } = this;
    if (socket !== undefined) {
      this.socket = undefined;
      this.parsed = socket.destroyed ? undefined : socket.getPeerX509Certificate();
    }
    return this.parsed;
  }
}
