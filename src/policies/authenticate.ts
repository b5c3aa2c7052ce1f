/**
 * Finds out who a call is made for: by a token, an API key, or the certificate of the connection.
 *
 * The trap: a credential that is shown must be good. A call with a bad token is refused even where it could do without one, or has a second
 * credential that is in order; otherwise an attacker would learn by trying, and a caller never that its token is broken.
 */
import * as z from "zod/mini";
import type * as Parts from "./authenticate/layer.ts";
import { definePolicy, described, duration, optional, setting } from "./policy.ts";

const text = z.string().check(z.minLength(1, "expected a text that is not empty"));
const oneOrMore = z.union([text, z.array(text).check(z.minLength(1, "expected at least one"))]);
const metadataName = z
  .string()
  .check(z.regex(/^(?!grpc-)[0-9a-z_.-]{1,64}(?<!-bin)$/, "expected the name of a text header in lower case, such as x-user-id"));

const asymmetric = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"] as const;

const jwt = z.strictObject({
  issuer: described(oneOrMore, "The `iss` that is trusted; one, or a list."),
  audience: described(oneOrMore, "The `aud` that means us; one, or a list of which a token must hold one."),
  jwks: described(
    z.union([text, z.strictObject({ keys: described(z.array(z.record(z.string(), z.unknown())), "The keys as RFC 7517 has them.") })]),
    "The issuer's keys: an `https://` address, a file, or the JSON Web Key Set itself.",
  ),
  algorithms: setting(
    z.array(z.enum([...asymmetric, "HS256", "HS384", "HS512"])).check(z.minLength(1, "expected at least one")),
    [...asymmetric],
    "What tokens may be signed with: every asymmetric algorithm, unless set. `HS256` and its like take keys of kind `oct`, from a file or from here.",
  ),
  clockSkew: setting(duration, "60s", "How far the issuer's clock may be off."),
  principal: setting(text, "sub", "The claim that names the principal."),
  cookie: optional(text, "A cookie that may hold the token instead of `authorization: Bearer`."),
  forward: setting(z.boolean(), false, "Leaves the token in the call for the upstream."),
  claims: setting(
    z.record(text, metadataName),
    {},
    "Claims the upstream is told, by the metadata that carries them: `{sub: x-user-id, realm.roles: x-roles}`.",
  ),
});

const apiKey = z.strictObject({
  header: setting(metadataName, "x-api-key", "The header or metadata that holds the key."),
  cookie: optional(text, "A cookie that may hold it instead."),
  keys: setting(
    z.array(
      z.strictObject({
        id: described(text, "Who shows the key: the principal."),
        hash: described(
          text,
          "`sha256:` and the key's SHA-256 in hexadecimal, or `$scrypt$ln=15,r=8,p=1$SALT$HASH` for a key of the form `ID.SECRET`.",
        ),
        claims: optional(z.record(z.string(), z.unknown()), "What `authorize` may go by."),
      }),
    ),
    [],
    "The keys, as hashes.",
  ),
  file: optional(text, "A file of more of them: `ID HASH` a line. Read at the start and on SIGHUP."),
  forward: setting(z.boolean(), false, "Leaves the key in the call for the upstream."),
});

const mtls = z.strictObject({
  trustDomains: setting(
    z.array(text),
    [],
    "Given, only certificates with a SPIFFE id of one of these count; else also those with a DNS name or a common name.",
  ),
});

let parts: typeof Parts | undefined;

export const authenticate = definePolicy({
  kind: "authenticate",
  scope: "call",
  summary: "Finds out who a call is made for by a token, an API key or a client certificate, and refuses it where that fails.",
  enabled: "opt-in",
  files: [
    ["jwt", "jwks"],
    ["apiKey", "file"],
  ],
  config: z
    .strictObject({
      jwt: optional(jwt, "JSON Web Tokens."),
      apiKey: optional(apiKey, "API keys."),
      mtls: optional(mtls, "Client certificates; `inbound.tls.clientCa` says whose."),
      require: setting(z.enum(["any", "all"]), "any", "Whether one of these credentials is enough or all of them are needed."),
      optional: setting(z.boolean(), false, "Lets calls without any credentials through, as nobody: the principal is then empty."),
      principalHeader: optional(metadataName, "Metadata in which the upstream is told the principal."),
    })
    .check(
      z.refine(
        (value) => value.jwt !== undefined || value.apiKey !== undefined || value.mtls !== undefined,
        "expected at least one of jwt, apiKey and mtls",
      ),
    ),
  async load() {
    parts = await import("./authenticate/layer.ts");
  },
  create: (config, services) => parts!.authenticating(config, services),
});
