/**
 * What a request says of itself: whether it is Connect's at all, whether its messages stream, and how they are written.
 *
 * The trap: `application/json` alone says nothing, for REST speaks it too; only the protocol's version field makes it Connect's.
 */
import type { RequestHead } from "../../wire/exchange.ts";
import type { MessageForm } from "../shared/enveloped-reply.ts";

interface RequestKind {
  readonly streaming: boolean;
  readonly form: MessageForm;
}

const kinds: ReadonlyMap<string, RequestKind> = new Map<string, RequestKind>([
  ["application/proto", { streaming: false, form: "wire" }],
  ["application/json", { streaming: false, form: "json" }],
  ["application/connect+proto", { streaming: true, form: "wire" }],
  ["application/connect+json", { streaming: true, form: "json" }],
]);

export function isConnect(head: RequestHead, contentType: string): boolean {
  if (contentType.startsWith("application/connect+")) return true;
  // The commonest type by far need not be taken apart.
  if (contentType !== "" && contentType !== "application/json" && mediaType(contentType) === "application/proto") return true;
  if (head.method === "GET" && head.target.includes("connect=v1") && /[?&]connect=v1(&|$)/.test(head.target)) return true;
  return head.headers.has("connect-protocol-version");
}

/** By the content type: undefined for one that is not Connect's, and so for a GET. */
export function kindOf({ headers }: RequestHead): RequestKind | undefined {
  const contentType = headers.get("content-type") ?? "";
  return kinds.get(contentType) ?? kinds.get(mediaType(contentType));
}

/** How the answer's message is written. */
export function formOf(head: RequestHead): MessageForm {
  if (head.method === "GET") return /[?&]encoding=json(&|$)/.test(head.target) ? "json" : "wire";
  return kindOf(head)?.form ?? "json";
}

function mediaType(contentType: string): string {
  const semicolon = contentType.indexOf(";");
  return (semicolon < 0 ? contentType : contentType.slice(0, semicolon)).trim().toLowerCase();
}
