/**
 * What comes as metadata: the header fields of the upgrade, and what a client adds in its first frame, because browsers let no page set a
 * header of a WebSocket.
 *
 * The trap: names and values of a frame were checked by no HTTP parser, and by no edge that takes out what only proxies may say; and they go
 * on as header fields.
 */
import { CallError } from "../../core/call-error.ts";
import { parseConnectTimeout, parseGrpcTimeout, parseServerTimeout } from "../shared/timeout.ts";

/** Of the handshake, or of HTTP itself. */
const dropped: ReadonlySet<string> = new Set([
  "accept",
  "accept-charset",
  "accept-encoding",
  "accept-language",
  "cache-control",
  "connection",
  "content-encoding",
  "content-length",
  "content-type",
  "host",
  "keep-alive",
  "pragma",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "x-grpc-web",
]);
const nameForm = /^[0-9a-z_.-]+$/;
const valueForm = /^[\x20-\x7e]*$/;
const base64Form = /^[A-Za-z0-9+/_=, -]*$/;
const metadataPrefix = "grpc-metadata-";
/** Who the caller is and how it came here is for proxies to say, in the upgrade's head: the same names as of an external listener (docs/hardening.md). */
const setByProxies =
  /^(grpc-metadata-)?(x-forwarded(-.*)?|forwarded|x-real-ip|x-client-ip|x-(original|rewrite|envoy|dragoman|ssl)-.*|dragoman-.*|l5d-.*)$/;
const maxFields = 100;
const maxBytes = 60 * 1024;

export class RequestFields {
  /** Names and values in turn. */
  readonly metadata: string[] = [];
  /** The shortest timeout that was sent; Infinity without one. */
  timeoutMs = Infinity;
  private sizeBytes = 0;

  /** Fields of the upgrade request, which the HTTP parser has checked. @throws CallError */
  addHeaders(flat: readonly string[]): void {
    for (let i = 0; i < flat.length; i += 2) if (!flat[i]!.startsWith("sec-websocket-")) this.add(flat[i]!, flat[i + 1]!);
  }

  /** A field that a frame brought. @throws CallError */
  addFromFrame(name: string, value: string): void {
    const lower = name.toLowerCase();
    this.sizeBytes += name.length + value.length;
    if (!nameForm.test(lower))
      throw invalid(`metadata name ${JSON.stringify(name.slice(0, 64))} is not made of letters, digits, -, _ and .`);
    if (!valueForm.test(value)) throw invalid(`metadata ${lower} holds characters that no header can`);
    // To many a server `_` and `-` are the same.
    if (setByProxies.test(lower.replaceAll("_", "-"))) throw invalid(`metadata ${lower}: only a proxy may say this`);
    if (this.metadata.length >= 2 * maxFields || this.sizeBytes > maxBytes)
      throw new CallError("HEADERS_TOO_LARGE", "the metadata is larger than the limit", { source: "caller" });
    this.add(lower, value);
  }

  /** Replaces every value of `name`. */
  set(name: string, value: string): void {
    for (let i = this.metadata.length - 2; i >= 0; i -= 2) if (this.metadata[i] === name) this.metadata.splice(i, 2);
    this.metadata.push(name, value);
  }

  private add(name: string, value: string): void {
    switch (name) {
      case "grpc-timeout":
        return this.tighten(name, value, parseGrpcTimeout(value));
      case "connect-timeout-ms":
        return this.tighten(name, value, parseConnectTimeout(value));
      case "x-server-timeout":
        return this.tighten(name, value, parseServerTimeout(value));
      case "authorization":
        // What the page says itself counts, not what the browser sent along.
        return this.set(name, value);
      default:
        if (name.startsWith("grpc-")) this.addPrefixed(name, value);
        else if (!dropped.has(name)) this.put(name, value);
    }
  }

  /** Names that begin with `grpc-` steer the gRPC side: from outside they come in behind `grpc-metadata-` only. */
  private addPrefixed(name: string, value: string): void {
    if (!name.startsWith(metadataPrefix)) return;
    const inner = name.slice(metadataPrefix.length);
    if (inner === "" || inner.startsWith("grpc-") || dropped.has(inner)) throw invalid(`metadata ${name}: the name is reserved`);
    this.put(inner, value);
  }

  private put(name: string, value: string): void {
    if (name.endsWith("-bin") && !base64Form.test(value)) throw invalid(`metadata ${name} is not base64`);
    this.metadata.push(name, value);
  }

  private tighten(name: string, value: string, timeoutMs: number | undefined): void {
    if (timeoutMs === undefined)
      throw new CallError("INVALID_TIMEOUT", `${name}: ${JSON.stringify(value.slice(0, 64))} cannot be read`, { source: "caller" });
    this.timeoutMs = Math.min(this.timeoutMs, timeoutMs);
  }
}

function invalid(message: string): CallError {
  return new CallError("INVALID_METADATA", message, { source: "caller" });
}
