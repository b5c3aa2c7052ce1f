/**
 * Decides by expressions over principal, method, metadata and source whether a call may be made.
 *
 * The trap: it fails closed. The first `deny` that holds refuses, and so does one that cannot be evaluated; with an `allow` list a call needs
 * one that holds. A call without a principal has an empty one, and `principal != ""` says that it must have one.
 */
import * as z from "zod/mini";
import type * as Parts from "./authorize/layer.ts";
import { definePolicy, setting } from "./policy.ts";

let parts: typeof Parts | undefined;

/** An expression that compiles; what is wrong with it is said where it stands in the file. */
const condition = z.string().check((payload) => {
  const fault = parts?.faultOf(payload.value);
  if (fault !== undefined) payload.issues.push({ code: "custom", message: fault, input: payload.value });
});

export const authorize = definePolicy({
  kind: "authorize",
  scope: "call",
  summary: "Lets through only the calls that its expressions allow.",
  enabled: "opt-in",
  config: z
    .strictObject({
      allow: setting(z.array(condition), [], "CEL expressions of which one must hold. Without any, what is not denied is allowed."),
      deny: setting(z.array(condition), [], "CEL expressions of which none may hold; they are asked first."),
      shadow: setting(z.boolean(), false, "Only logs and counts what would be refused."),
    })
    .check(z.refine(({ allow, deny }) => allow.length + deny.length > 0, "expected at least one expression in allow or deny")),
  async load() {
    parts = await import("./authorize/layer.ts");
  },
  create: (config, services) => parts!.authorizing(config, services),
});
