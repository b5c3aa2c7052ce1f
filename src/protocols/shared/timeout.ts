/**
 * Timeouts as the protocols write them. All are remaining times, relative to the arrival of the request's headers.
 *
 * The trap: a header that cannot be read is an error for the caller, never "no deadline" (../shared/kits/grpc/wire_text.json restates the grammars).
 */
const unitMs: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 };

/** `grpc-timeout` (grpc/grpc doc/PROTOCOL-HTTP2.md): 1 to 8 digits and a unit. Milliseconds, or undefined when malformed. */
export function parseGrpcTimeout(text: string): number | undefined {
  if (text.length < 2 || text.length > 9) return undefined;
  const unit = unitMs[text[text.length - 1]!];
  if (unit === undefined) return undefined;
  const digits = readDigits(text, text.length - 1);
  return digits === undefined ? undefined : digits * unit;
}

/** `connect-timeout-ms` (connectrpc.com/docs/protocol): 1 to 10 digits. Milliseconds, or undefined when malformed. */
export function parseConnectTimeout(text: string): number | undefined {
  return text.length > 10 ? undefined : readDigits(text, text.length);
}

/** `x-server-timeout`: seconds, with an optional fraction. Milliseconds, or undefined when malformed. */
export function parseServerTimeout(text: string): number | undefined {
  return /^\d{1,10}(\.\d{1,9})?$/.test(text) ? Number(text) * 1000 : undefined;
}

/** What is left, as `grpc-timeout`, in the finest unit that fits eight digits; rounded down, so that a hop never adds time. */
export function formatGrpcTimeout(remainingMs: number): string {
  if (remainingMs <= 0) return "0n";
  if (remainingMs < 100_000) {
    // Whole milliseconds where nothing is lost by it: few different texts, so header blocks repeat.
    return remainingMs >= 100 ? `${Math.floor(remainingMs)}m` : `${Math.floor(remainingMs * 1000)}u`;
  }
  if (remainingMs < 1e8) return `${Math.floor(remainingMs)}m`;
  if (remainingMs < 1e11) return `${Math.floor(remainingMs / 1000)}S`;
  return `${Math.min(99_999_999, Math.floor(remainingMs / 3_600_000))}H`;
}

/** What is left, as `connect-timeout-ms`, rounded down. */
export function formatConnectTimeout(remainingMs: number): string {
  return String(Math.min(9_999_999_999, Math.max(0, Math.floor(remainingMs))));
}

function readDigits(text: string, end: number): number | undefined {
  if (end === 0) return undefined;
  let value = 0;
  for (let i = 0; i < end; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (digit < 0 || digit > 9) return undefined;
    value = value * 10 + digit;
  }
  return value;
}
