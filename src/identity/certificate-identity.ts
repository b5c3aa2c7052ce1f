/**
 * Whom a client certificate stands for: its SPIFFE id, else its DNS name, else its common name.
 *
 * Two traps. A certificate with two `spiffe://` names is nobody's (SPIFFE X.509-SVID, section 2): which of them counts would be up to the
 * reader. And a chain that fits is not enough: it must be made for clients (extended key usage), and be no authority itself.
 */
import type { X509Certificate } from "node:crypto";
import type { CallerTls } from "../core/caller.ts";
import { CredentialsError } from "./credentials-error.ts";

const clientAuth = "1.3.6.1.5.5.7.3.2";
/** SPIFFE-ID, sections 2.1 and 2.2: a trust domain, and segments of a few characters that are not empty, "." or "..". */
const spiffeForm = /^spiffe:\/\/[a-z0-9._-]{1,255}(\/[A-Za-z0-9._-]+)*$/;
const dotSegment = /\/\.{1,2}(\/|$)/;
const longestSpiffeId = 2048;

const faults: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: "it has expired",
  CERT_NOT_YET_VALID: "it is not valid yet",
  DEPTH_ZERO_SELF_SIGNED_CERT: "it is signed by itself",
  SELF_SIGNED_CERT_IN_CHAIN: "its authority is not trusted here",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "its authority is not trusted here",
  UNABLE_TO_GET_ISSUER_CERT: "its authority is not trusted here",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "its authority is not trusted here",
  INVALID_PURPOSE: "it is not made for clients",
};

/**
 * "spiffe://mesh/service/orders", "orders.example" or the common name of the certificate that a connection was opened with; undefined without one.
 * @param trustDomains given, only SPIFFE ids of one of these count
 * @throws CredentialsError INVALID_CERTIFICATE
 */
export function identityOf({ certificate, certificateFault }: CallerTls, trustDomains: readonly string[]): string | undefined {
  if (certificate === undefined) return undefined;
  if (certificateFault !== undefined) throw refused(faults[certificateFault] ?? "it cannot be verified");
  // `keyUsage` is what Node calls the extended one. (RFC 5280, section 4.2.1.12: without the extension every purpose is meant.)
  const purposes = certificate.keyUsage as readonly string[] | undefined;
  if (purposes !== undefined && !purposes.includes(clientAuth)) throw refused("it is not made for clients");
  if (certificate.ca) throw refused("it is an authority's");
  return nameOf(certificate, trustDomains);
}

function nameOf({ subjectAltName, subject }: X509Certificate, trustDomains: readonly string[]): string {
  const names = alternativeNames(subjectAltName ?? "");
  const ids = names.filter((name) => /^URI:spiffe:/i.test(name)).map((name) => name.slice("URI:".length));
  if (ids.length > 1) throw refused("it holds more than one SPIFFE id");
  const [id] = ids;
  if (id !== undefined) {
    if (id.length > longestSpiffeId || !spiffeForm.test(id) || dotSegment.test(id)) throw refused("its SPIFFE id is malformed");
    if (trustDomains.length > 0 && !trustDomains.includes(id.slice("spiffe://".length).split("/")[0]!))
      throw refused("it is of a trust domain that is not trusted here");
    return id;
  }
  if (trustDomains.length > 0) throw refused("it holds no SPIFFE id");
  const dns = names.find((name) => name.startsWith("DNS:"))?.slice("DNS:".length);
  const common = /^CN=(.+)$/m.exec(subject)?.[1];
  const name = dns ?? common;
  if (name === undefined || name === "" || name.startsWith('"')) throw refused("it holds no name");
  // A name that reads like a SPIFFE id must not become one.
  if (/^spiffe:/i.test(name)) throw refused("its SPIFFE id is not where it belongs");
  return name;
}

/** One name of Node's list. What holds a comma is written as a JSON string, so that it cannot pass for two (CVE-2021-44532). */
const nameForm = /([^:,"]+:)("(?:[^"\\]|\\.)*"|[^",]*)(?:, |$)/y;

/** "URI:spiffe://mesh/a, DNS:a.example" taken apart. */
function alternativeNames(text: string): string[] {
  const names: string[] = [];
  nameForm.lastIndex = 0;
  for (let at = 0; at < text.length; at = nameForm.lastIndex) {
    const [, kind, value] = nameForm.exec(text) ?? [];
    if (value === undefined) throw refused("its names are malformed");
    names.push(kind! + (value.startsWith('"') ? (JSON.parse(value) as string) : value));
  }
  return names;
}

function refused(why: string): CredentialsError {
  return new CredentialsError("INVALID_CERTIFICATE", why);
}
