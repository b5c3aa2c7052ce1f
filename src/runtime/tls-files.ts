/** Reads the PEM files a configuration names, with words for what is wrong with them. */
import { readFileSync } from "node:fs";
import type { Config } from "../config/schema.ts";
import { whyUnreadable } from "../config/load-config.ts";
import { tlsModule } from "../wire/tls-module.ts";
import { StartError } from "./start-error.ts";

export interface ServerTls {
  readonly cert: string;
  readonly key: string;
  readonly clientCa: string | undefined;
  readonly clientCertificate: "required" | "optional";
}

export interface ClientTls {
  readonly servername: string;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

/** @throws StartError that names the file or the pair that does not fit */
export function readServerTls(tls: NonNullable<Config["inbound"]["tls"]>): ServerTls {
  const material = {
    cert: readPem("inbound.tls.cert", tls.cert),
    key: readPem("inbound.tls.key", tls.key),
    clientCa: tls.clientCa === undefined ? undefined : readPem("inbound.tls.clientCa", tls.clientCa),
    clientCertificate: tls.clientCertificate,
  };
  check("inbound.tls", { cert: material.cert, key: material.key, ca: material.clientCa });
  return material;
}

export interface ClientTlsFiles {
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly serverName?: string | undefined;
}

/** @param name what messages call the setting: "inbound.upstreamTls". @throws StartError as above */
export function readClientTls(name: string, tls: ClientTlsFiles | undefined, host: string): ClientTls {
  if ((tls?.cert === undefined) !== (tls?.key === undefined))
    throw new StartError("config", `${name}: cert and key belong together; set both or none`);
  const material = {
    servername: tls?.serverName ?? host,
    ...(tls?.ca === undefined ? {} : { ca: readPem(`${name}.ca`, tls.ca) }),
    ...(tls?.cert === undefined ? {} : { cert: readPem(`${name}.cert`, tls.cert) }),
    ...(tls?.key === undefined ? {} : { key: readPem(`${name}.key`, tls.key) }),
  };
  check(name, material);
  return material;
}

function readPem(name: string, path: string): string {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new StartError("config", `${name}: ${path} cannot be read: ${whyUnreadable(error)}`);
  }
  if (!text.includes("-----BEGIN ")) throw new StartError("config", `${name}: ${path} is not a PEM file`);
  return text;
}

function check(name: string, { cert, key, ca }: { readonly cert?: string; readonly key?: string; readonly ca?: string | undefined }): void {
  try {
    tlsModule().createSecureContext({ cert, key, ca });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why = code === "ERR_OSSL_X509_KEY_VALUES_MISMATCH" ? "the key is not the certificate's" : message;
    throw new StartError("config", `${name}: the files cannot be used: ${why}`);
  }
}
