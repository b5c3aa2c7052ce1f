/**
 * The `connection` field of a head, of either role (RFC 9110, section 7.6.1).
 *
 * The trap: whatever it names belongs to this connection too and must not be handed on, so nobody is done with a head before having read it.
 */
export interface ConnectionOptions {
  readonly close: boolean;
  readonly upgrade: boolean;
  /** Fields it names, in lower case; undefined for none. */
  readonly named: ReadonlySet<string> | undefined;
}

/** Nothing but what HTTP/1.1 does anyway. */
export function isKeepAlive(connection: string): boolean {
  return connection.length === 10 && (connection === "keep-alive" || connection === "Keep-Alive");
}

export function readConnection(connection: string): ConnectionOptions {
  let named: Set<string> | undefined;
  let close = false;
  let upgrade = false;
  for (const part of connection.split(",")) {
    const option = part.trim().toLowerCase();
    if (option === "close") close = true;
    else if (option === "upgrade") upgrade = true;
    else if (option !== "" && option !== "keep-alive" && option !== "te") (named ??= new Set()).add(option);
  }
  return { close, upgrade, named };
}

/** `list` without the fields that are named. */
export function withoutNamed(list: string[], named: ReadonlySet<string> | undefined): string[] {
  if (named === undefined) return list;
  const kept: string[] = [];
  for (let i = 0; i < list.length; i += 2) if (!named.has(list[i]!)) kept.push(list[i]!, list[i + 1]!);
  return kept;
}
