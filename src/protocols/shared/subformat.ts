/** What stands behind the "+" of a gRPC or gRPC-Web content type: how messages are written. */
import type { MessageForm } from "./enveloped-reply.ts";

/** Protobuf where nothing is said; undefined for a form nobody here reads. */
export function subformatOf(contentType: string): MessageForm | undefined {
  const plus = contentType.indexOf("+");
  const semicolon = contentType.indexOf(";");
  if (plus < 0 || (semicolon >= 0 && semicolon < plus)) return "wire";
  switch (
    contentType
      .slice(plus + 1, semicolon < 0 ? undefined : semicolon)
      .trim()
      .toLowerCase()
  ) {
    case "proto":
      return "wire";
    case "json":
      return "json";
    default:
      return undefined;
  }
}
