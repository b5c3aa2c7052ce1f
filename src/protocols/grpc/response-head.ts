/**
 * What the header block of a gRPC answer says, read once for all answers that begin with the same block.
 *
 * The trap: a block with `grpc-status` is the whole answer ("Trailers-Only") and its error belongs to one call, so it is never shared.
 */
import { IdentityCache } from "../../core/identity-cache.ts";
import type { Status } from "../../core/status.ts";
import { readGrpcStatus } from "../shared/grpc-status.ts";
import { subformatOf } from "../shared/subformat.ts";

export interface ResponseHead {
  readonly metadata: readonly string[];
  readonly encoding: string | undefined;
  /** Set when the head is the whole answer. */
  readonly status: Status | undefined;
  readonly isGrpc: boolean;
}

const none: readonly string[] = Object.freeze([]);
const responseHeads = new IdentityCache<readonly string[], ResponseHead>(32);

/** "application/grpc" or "application/grpc+proto": we ask for no other form, and could not tell its bytes from protobuf. */
function isProtobuf(contentType: string): boolean {
  return contentType === "application/grpc" || (/^application\/grpc\s*($|[+;])/.test(contentType) && subformatOf(contentType) === "wire");
}

/** Reads a response head; found again by the identity of its list. */
export function readResponseHead(headers: readonly string[]): ResponseHead {
  const known = responseHeads.get(headers);
  if (known !== undefined) return known;
  const metadata: string[] = [];
  let encoding: string | undefined;
  let isGrpc = false;
  let hasStatus = false;
  for (let i = 0; i < headers.length; i += 2) {
    const value = headers[i + 1]!;
    switch (headers[i]) {
      case "content-type":
        isGrpc = isProtobuf(value);
        break;
      case "grpc-encoding":
        encoding = value === "identity" ? undefined : value;
        break;
      case "grpc-status":
        hasStatus = true;
        break;
      case "grpc-accept-encoding":
      case "content-length": // of the bytes between the upstream and us
        break;
      default:
        metadata.push(headers[i]!, value);
    }
  }
  const head: ResponseHead = {
    metadata: metadata.length === 0 ? none : metadata,
    encoding,
    status: hasStatus ? readGrpcStatus(headers) : undefined,
    isGrpc,
  };
  return hasStatus ? head : responseHeads.set(headers, head);
}
