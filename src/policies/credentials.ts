/**
 * Shows the upstream who we are: a header with a secret, or a token that is fetched with client credentials (RFC 6749, section 4.4).
 *
 * The trap: the caller's own token is not ours to spend. It is taken out unless `caller: pass`, and where a credential of ours goes under the
 * same name it always is. Secrets come from files and the environment, never from the configuration's text, and are in no message.
 */
import * as z from "zod/mini";
import type * as Parts from "./credentials/layer.ts";
import { definePolicy, described, optional, setting } from "./policy.ts";

const text = z.string().check(z.minLength(1, "expected a text that is not empty"));
const headerName = z
  .string()
  .check(z.regex(/^(?!grpc-)[0-9a-z_.-]{1,64}(?<!-bin)$/, "expected the name of a text header in lower case, such as authorization"));

const secret = {
  file: optional(text, "A file that holds the secret. Read at the start and on SIGHUP."),
  env: optional(text, "A variable of the environment that holds it."),
};
const oneSecret = z.refine((value) => {
  const { file, env } = value as { readonly file?: string | undefined; readonly env?: string | undefined };
  return (file === undefined) !== (env === undefined);
}, "expected either file or env");

let parts: typeof Parts | undefined;

export const credentials = definePolicy({
  kind: "credentials",
  scope: "attempt",
  summary: "Sends the upstream credentials of our own, and not the caller's.",
  enabled: "opt-in",
  files: [
    ["header", "file"],
    ["clientCredentials", "file"],
  ],
  config: z.strictObject({
    header: optional(
      z
        .strictObject({
          name: setting(headerName, "authorization", "The header that carries it."),
          prefix: setting(z.string(), "", "What stands before it: `Bearer ` for a token."),
          ...secret,
        })
        .check(oneSecret),
      "A secret that does not change.",
    ),
    clientCredentials: optional(
      z
        .strictObject({
          url: described(
            z.string().check(z.regex(/^https?:\/\/[^\s@]+$/, "expected the address of a token endpoint")),
            "The token endpoint.",
          ),
          clientId: described(text, "Who we are to it."),
          scope: optional(text, "The scopes that are asked for, with spaces between."),
          audience: optional(text, "The audience, for servers that want one."),
          ...secret,
        })
        .check(oneSecret),
      "A token of OAuth 2, fetched with the client's secret and renewed before it ends.",
    ),
    caller: setting(z.enum(["strip", "pass"]), "strip", "Whether the caller's own `authorization` goes on."),
  }),
  async load() {
    parts = await import("./credentials/layer.ts");
  },
  create: (config, services) => parts!.showing(config, services),
});
