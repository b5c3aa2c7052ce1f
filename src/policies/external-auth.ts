/**
 * Asks a server of Envoy's authorization API whether a call may be made, and does to its metadata what the answer says.
 *
 * The trap: it is asked by what a call is here, not by how it came: the method is POST and the path that of the RPC for every protocol, so
 * that one rule serves them all. Plain HTTP that is passed on keeps its own.
 */
import * as z from "zod/mini";
import type * as Parts from "./external-auth/layer.ts";
import { definePolicy, described, duration, optional, setting, size } from "./policy.ts";

const address = z
  .string()
  .check(z.regex(/^grpcs?:\/\/[^\s/@]+:\d+$/, "expected the address of a gRPC server such as grpc://127.0.0.1:9191"));

let parts: typeof Parts | undefined;

export const externalAuth = definePolicy({
  kind: "external-auth",
  scope: "call",
  summary: "Asks a server of Envoy's external authorization API whether a call may be made.",
  enabled: "opt-in",
  shorthand: "server",
  config: z.strictObject({
    server: described(address, "The server: `grpc://HOST:PORT`, or `grpcs://` with TLS."),
    timeout: setting(duration, "200ms", "How long it may take."),
    failOpen: setting(z.boolean(), false, "Lets calls through when it gives no answer, instead of refusing them."),
    body: optional(size, "Sends the message of unary calls along, as JSON, when it is no larger than this. Not sent unless set."),
    context: setting(z.record(z.string(), z.string()), {}, "Goes along as `context_extensions`."),
  }),
  async load() {
    parts = await import("./external-auth/layer.ts");
  },
  create: (config, services) => parts!.askingOutside(config, services),
});
