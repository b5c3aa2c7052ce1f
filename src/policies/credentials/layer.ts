/** The layer of `credentials`: what is taken out, and what is put in its place. */
import { readFileSync } from "node:fs";
import type { Call } from "../../core/call.ts";
import { CallError } from "../../core/call-error.ts";
import type { Layer } from "../../core/handler.ts";
import { IdentityCache } from "../../core/identity-cache.ts";
import { TokenSource } from "../../identity/token-source.ts";
import type { Services } from "../policy.ts";

interface SecretSettings {
  readonly file?: string | undefined;
  readonly env?: string | undefined;
}

interface Settings {
  readonly header?: (SecretSettings & { readonly name: string; readonly prefix: string }) | undefined;
  readonly clientCredentials?:
    | (SecretSettings & {
        readonly url: string;
        readonly clientId: string;
        readonly scope?: string | undefined;
        readonly audience?: string | undefined;
      })
    | undefined;
  readonly caller: "strip" | "pass";
}

/** @throws Error where a secret is missing */
export function showing({ header, clientCredentials, caller }: Settings, services: Services): Layer {
  const { clock, logger, metrics } = services;
  const fixed = header === undefined ? [] : [header.name, header.prefix + secretOf("header", header)];
  const tokens =
    clientCredentials === undefined
      ? undefined
      : new TokenSource({ ...clientCredentials, secret: secretOf("clientCredentials", clientCredentials) }, clock, logger);
  const taken = new Set([
    ...(caller === "strip" || tokens !== undefined ? ["authorization"] : []),
    ...(header === undefined ? [] : [header.name]),
  ]);
  const heads = new IdentityCache<readonly string[], readonly string[]>(32);
  const sent = metrics.policies.of("credentials", "sent");
  const unavailable = metrics.policies.of("credentials", "unavailable");

  function put(call: Call, fields: readonly string[]): void {
    if (fields.length === 0) return;
    sent.count++;
    // A second attempt carries what the first one put there already.
    const others = (call.hopFields ?? []).filter((_, at, all) => !taken.has(all[at - (at % 2)]!));
    call.hopFields = [...others, ...fields];
  }

  return (next) => (call) => {
    const { flat } = call.metadata;
    const kept = heads.get(flat) ?? heads.set(flat, without(flat, taken));
    if (kept !== flat) call.metadata.replaceBy(kept);
    if (tokens === undefined) {
      put(call, fixed);
      return next(call);
    }
    const token = tokens.token();
    if (typeof token === "string") {
      put(call, [...fixed, "authorization", `Bearer ${token}`]);
      return next(call);
    }
    return token.then(
      (value) => {
        call.throwIfCancelled();
        put(call, [...fixed, "authorization", `Bearer ${value}`]);
        return next(call);
      },
      (error: unknown) => {
        unavailable.count++;
        throw new CallError("CREDENTIALS_UNAVAILABLE", undefined, { cause: error });
      },
    );
  };
}

/** The same list where nothing is taken out. */
function without(flat: readonly string[], names: ReadonlySet<string>): readonly string[] {
  const kept = flat.filter((_, at) => !names.has(flat[at - (at % 2)]!));
  return kept.length === flat.length ? flat : kept;
}

function secretOf(part: string, { file, env }: SecretSettings): string {
  const origin = file ?? `the variable ${env}`;
  let text: string | undefined;
  try {
    text = file === undefined ? process.env[env!] : readFileSync(file, "utf8");
  } catch (error) {
    throw new Error(`credentials.${part}: ${origin} cannot be read: ${(error as NodeJS.ErrnoException).code}`, { cause: error });
  }
  const secret = text?.trim() ?? "";
  if (secret === "") throw new Error(`credentials.${part}: ${origin} is empty or not there`);
  if (/[^\x20-\x7e]/.test(secret)) throw new Error(`credentials.${part}: ${origin} holds what no header can`);
  return secret;
}
