/** Where one instance of a service listens, as discovery tells of it. */
export interface Endpoint {
  /** Name or address, without brackets. */
  readonly host: string;
  readonly port: number;
  /** Share of the calls against the other endpoints', 1 unless given. */
  readonly weight?: number | undefined;
  /** Where it stands, for those who prefer what is near. */
  readonly zone?: string | undefined;
  /** Who must answer there, as the name in its certificate: "spiffe://mesh/service/payments". */
  readonly identity?: string | undefined;
  /** It finishes what it has and wants no more. */
  readonly draining?: boolean | undefined;
}

/** "127.0.0.1:8080", "[::1]:8080": what endpoints are told apart by. */
export function formatHostPort({ host, port }: Pick<Endpoint, "host" | "port">): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
