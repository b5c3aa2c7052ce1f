/**
 * The details that errors carry by convention (google/rpc/error_details.proto), known whatever the service's schema holds.
 *
 * The file as `buf build --as-file-descriptor-set --exclude-source-info --exclude-imports` makes it, raw deflate, base64; the test compares.
 * Opened with the first detail that a schema does not know.
 */
import { inflateRawSync } from "node:zlib";
import { CodecError, type MessageType } from "../../core/message-type.ts";
import type { ErrorDetail } from "../../core/call-error.ts";
import { buildSchema } from "../../schema/build-schema.ts";
import type { Schema } from "../../schema/descriptor.ts";

let opened: Schema | undefined;

/** "google.rpc.BadRequest" and its like. */
export function errorDetailType(name: string): MessageType | undefined {
  if (!name.startsWith("google.")) return undefined;
  return (opened ??= buildSchema(inflateRawSync(Buffer.from(compressed.join(""), "base64")))).message(name);
}

/** Whole seconds of the first google.rpc.RetryInfo, rounded up: what `retry-after` says (RFC 9110, section 10.2.3). */
export function retryAfter(details: readonly ErrorDetail[]): number | undefined {
  const info = details.find(({ typeUrl }) => typeUrl.endsWith("/google.rpc.RetryInfo"));
  if (info === undefined) return undefined;
  try {
    const json = Buffer.from(errorDetailType("google.rpc.RetryInfo")!.codec().wireToJson(info.value)).toString();
    const seconds = /"retryDelay":"(\d+(?:\.\d+)?)s"/.exec(json)?.[1];
    return seconds === undefined ? undefined : Math.ceil(Number(seconds));
  } catch (error) {
    if (error instanceof CodecError) return undefined; // the detail itself is still shown, as bytes
    throw error;
  }
}

// prettier-ignore
const compressed = [
  "lVVLb9NKGMVxWpovgYbhoRDxCEZIRUiOKAtQWSCFFBqJXoJBLGBhTewv1lDH447tovILWCDEb2DLL2DBf0PzcOI0hXvvbs6ZM/M95swMfNmEGxHnUYx9kQZ9FIILP8ScsjhzU8Fz",
  "TkDPuyINuqVWzUyKaT8sBM0ZT7TW+WlBY1fuMUqmnFyBdYE040nH6llbDc8gyYd8RlnSqWleI/IENmaY05DmtGP37K3m9m13Edydb+zuG9Vukotjb76o+xjOLU2RNtgHeGzCyyG5",
  "BGtHNC7QhNZgp/bIcp5Dw8NcHKvUd6ApJPBDjKneoLl9tcymLN8dmvI9UOqhFDt70BjipIjURrfhXJbT4MDHJBcMs47Vs7caXkuRu5pTDVE9nzdEIedrHVqvCp7TZ5TFhUAyADhi",
  "PFYx9VbNbafao6rafVtKvcqq7k8bGvMZ0oGzWTH5gEFuulRC0oNmiFkgWCqFJrMqRW5Ck6bMz1AcsQA7tlIATdlrzZBb0DqUCfkzzAULOnW9h+L2FUWuwoaWsLCzphNQeBSSCbT1",
  "VMhmmGSq5HVV8sN/L1nTw/lKbZXNw2VWlqBjaFOc7VlbtgeKeisZch/ItMgLgX5VtyF1e2e8tp57Ndd/tqzuAC6dFvz/mHFwGS76q3GdXxZcHAsMeBIyWWXpi9EpvrhbbdIpi/5g",
  "j/dVdxCo58cpmpzVuOqY2l8dY684xvlSAxjQ0MPDArOcjKE9ZRiH/kryd6rJL1a4z6R8kfjmdAln3R8WnF/WyCYrlSlCg//g7sXrZS+9XiO4EPOAxuwThv4Ms4xGqJzd3L5WzfpF",
  "KdrXGq8dn2Ccl9A0ham34jqA0FDeBp1uwzCjUN4mddWSyFdPpMnZcEOaU+ebBS0PM16IAMvnRxjsV06yVZJv5IlWRQmdlXaci/6hM5Rt5B8TFKYbGpxsY331yDnU9zBOyT1Yi1ly",
  "UB7w5WqrpMB9wZIDT2u6O1CX8OT21uoptcEuRPluyqEzhPbJ1suzVM0v6zdIerk8QeNlAwcxnA/4rJLk4IL6f4b6bxzLH2BsvXtiBBGPaRK5XET9CBP1P/T1FE1ZVv6t5mN9vBh+",
  "r9ne+OlkXa148Bs=",
];
