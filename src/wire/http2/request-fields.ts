/**
 * A decoded header block read as a request (RFC 9113, section 8.3.1): pseudo fields apart, connection fields refused, cookies joined.
 *
 * What was read from a list is remembered by its identity, but only for lists that come again: a WeakMap costs 0.01 us to ask and 1 us to fill
 * (bench/micro/http2.bench.ts), as much as reading ten fields anew.
 */
import { isConnectionField, isFieldName, isFieldValue, isMethod, isTarget, parseContentLength } from "./field-rules.ts";
import { sharedList } from "../shared-lists.ts";

export interface RequestFields {
  readonly method: string;
  readonly target: string;
  readonly authority: string;
  /** End-to-end fields, flat. */
  readonly headers: readonly string[];
  readonly contentLength: number;
  readonly acceptsTrailers: boolean;
  readonly expectsContinue: boolean;
}

const known = new WeakMap<readonly string[], RequestFields | string>();

/**
 * @param repeats this very list comes again and again: worth remembering what was read.
 * @returns what is wrong, as text, when the request is malformed (section 8.1.1).
 */
export function readRequest(fields: readonly string[], repeats = false): RequestFields | string {
  if (!repeats) return new RequestReading().read(fields);
  const seen = known.get(fields);
  if (seen !== undefined) return seen;
  const read = new RequestReading().read(fields);
  const kept = typeof read === "string" ? read : { ...read, headers: sharedList(read.headers) };
  known.set(fields, kept);
  return kept;
}

class RequestReading {
  private method = "";
  private path = "";
  private scheme = "";
  private authority = "";
  private host = "";
  private cookie = "";
  private contentLength = -1;
  private acceptsTrailers = false;
  private expectsContinue = false;
  private readonly headers: string[] = [];

  read(fields: readonly string[]): RequestFields | string {
    let i = 0;
    for (; i < fields.length && fields[i]!.charCodeAt(0) === 0x3a; i += 2) {
      const fault = this.takePseudo(fields[i]!, fields[i + 1]!);
      if (fault !== undefined) return fault;
    }
    for (; i < fields.length; i += 2) {
      const fault = this.takeField(fields[i]!, fields[i + 1]!);
      if (fault !== undefined) return fault;
    }
    return this.finish();
  }

  private takePseudo(name: string, value: string): string | undefined {
    if (value === "" && name !== ":authority") return `empty ${name}`;
    switch (name) {
      case ":method":
        if (this.method !== "") return "two :method";
        this.method = value;
        return isMethod(value) ? undefined : "malformed :method";
      case ":path":
        if (this.path !== "") return "two :path";
        this.path = value;
        return isTarget(value) ? undefined : "malformed :path";
      case ":scheme":
        if (this.scheme !== "") return "two :scheme";
        this.scheme = value;
        return isTarget(value) ? undefined : "malformed :scheme";
      case ":authority":
        if (this.authority !== "") return "two :authority";
        this.authority = value;
        return value === "" || isAuthority(value) ? undefined : "malformed :authority";
      default:
        return "unknown pseudo field";
    }
  }

  private takeField(name: string, value: string): string | undefined {
    if (!isFieldName(name)) return name.charCodeAt(0) === 0x3a ? "pseudo field after the others" : "malformed field name";
    if (!isFieldValue(value)) return `malformed value of ${name}`;
    switch (name) {
      case "host":
        if (this.host !== "" && this.host !== value) return "two different host fields";
        if (!isAuthority(value)) return "malformed host";
        this.host = value;
        return undefined;
      case "content-length": {
        const length = parseContentLength(value);
        if (length < 0 || (this.contentLength >= 0 && this.contentLength !== length)) return "malformed content-length";
        this.contentLength = length;
        return undefined;
      }
      case "te":
        if (value !== "trailers") return "te other than trailers";
        this.acceptsTrailers = true;
        return undefined;
      case "expect":
        this.expectsContinue = value.toLowerCase() === "100-continue";
        return undefined;
      case "cookie":
        // Split for better compression; whole again before it leaves HTTP/2 (section 8.2.3).
        this.cookie = this.cookie === "" ? value : `${this.cookie}; ${value}`;
        return undefined;
      case "trailer":
      case "http2-settings":
        return undefined;
      default:
        if (isConnectionField(name)) return `${name}, which belongs to HTTP/1.1`;
        this.headers.push(name, value);
        return undefined;
    }
  }

  private finish(): RequestFields | string {
    const { method, path, scheme, host, contentLength, acceptsTrailers, expectsContinue, headers } = this;
    if (method === "") return "no :method";
    if (this.authority !== "" && host !== "" && this.authority !== host) return "host other than :authority";
    const authority = this.authority === "" ? host : this.authority;
    if (method === "CONNECT") {
      if (path !== "" || scheme !== "" || authority === "") return "malformed CONNECT";
    } else {
      if (path === "" || scheme === "") return path === "" ? "no :path" : "no :scheme";
      if (path.charCodeAt(0) !== 0x2f && !(path === "*" && method === "OPTIONS")) return "malformed :path";
    }
    if (this.cookie !== "") headers.push("cookie", this.cookie);
    return { method, target: path === "" ? authority : path, authority, headers, contentLength, acceptsTrailers, expectsContinue };
  }
}

/** Host and port: no user information, nothing of a path. */
function isAuthority(value: string): boolean {
  return isTarget(value) && !/[/\\?@]/.test(value);
}
