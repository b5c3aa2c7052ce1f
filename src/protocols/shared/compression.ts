/**
 * Message compression: how to open a compressed message when somebody needs to look inside.
 *
 * The trap: an opened message may be a thousand times its size on the wire; the limit counts opened bytes and is enforced while opening.
 */
import { brotliDecompressSync, gunzipSync, inflateSync, zstdDecompressSync } from "node:zlib";
import { CallError, type ErrorSource } from "../../core/call-error.ts";
import type { Compressed } from "../../core/payload.ts";
import { tooLarge } from "./envelope.ts";

type Open = (bytes: Uint8Array, options: { maxOutputLength: number }) => Buffer;

/** Prototype-free: the key comes off the wire. */
const openers: ReadonlyMap<string, Open> = new Map<string, Open>([
  ["gzip", gunzipSync],
  ["deflate", inflateSync],
  ["br", brotliDecompressSync],
  ["zstd", zstdDecompressSync],
]);

/** What can be opened here, as `accept-encoding` lists it. */
export const openable = [...openers.keys()].join(", ");

export function canOpen(encoding: string): boolean {
  return openers.has(encoding);
}

let lastAccept: string | undefined;
let lastOpenable: string | undefined;

/** What of an accept list can be opened here, for an upstream some of whose compressed words are for us. Undefined for nothing. */
export function openableOf(accept: string): string | undefined {
  if (accept !== lastAccept) {
    // Callers of one kind all send the same list.
    lastAccept = accept;
    const names = accept.split(",").map((name) => name.trim());
    lastOpenable = names.filter((name) => openers.has(name)).join(",") || undefined;
  }
  return lastOpenable;
}

/** `encoding` where the caller takes it as it is: `accept` lists what it takes. Undefined: messages are to be opened. */
export function acceptedOf(encoding: string | undefined, accept: string | undefined): string | undefined {
  if (encoding === undefined || accept === undefined) return undefined;
  return accept === encoding || accept.split(",").some((name) => name.trim() === encoding) ? encoding : undefined;
}

/** A message as it came, compressed with `encoding`, to be opened only if somebody must. */
export function compressed(encoding: string, bytes: Uint8Array, limitBytes: number, source: ErrorSource): Compressed {
  return {
    encoding,
    bytes,
    open() {
      const opener = openers.get(encoding);
      if (opener === undefined)
        throw new CallError(
          source === "upstream" ? "UPSTREAM_PROTOCOL" : "UNSUPPORTED_ENCODING",
          `message encoding ${JSON.stringify(encoding)} is not supported`,
          { source },
        );
      // An empty message is not compressed, whatever its flag says.
      if (bytes.length === 0) return bytes;
      try {
        return opener(bytes, { maxOutputLength: limitBytes });
      } catch (cause) {
        if ((cause as { code?: string }).code === "ERR_BUFFER_TOO_LARGE") throw tooLarge(limitBytes + 1, limitBytes, source);
        const reason = source === "upstream" ? "UPSTREAM_PROTOCOL" : "INVALID_FRAMING";
        throw new CallError(reason, `message is not valid ${encoding}`, { source, cause });
      }
    },
  };
}
