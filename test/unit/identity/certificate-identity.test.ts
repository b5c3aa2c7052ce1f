/** Whom a client certificate stands for, and which ones stand for nobody. */
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { CredentialsError } from "../../../src/identity/credentials-error.ts";
import { identityOf } from "../../../src/identity/certificate-identity.ts";
import { clientCertificates } from "../../support/client-certificates.ts";

type Name = keyof typeof clientCertificates;

describe("the identity of a certificate", () => {
  const accepted: readonly (readonly [Name, string, readonly string[]])[] = [
    ["spiffe", "spiffe://mesh/service/orders", []],
    ["spiffe", "spiffe://mesh/service/orders", ["other", "mesh"]],
    ["dns", "orders.example", []],
    ["common", "orders", []],
  ];
  for (const [name, id, domains] of accepted) it(`${name} is ${id}`, () => assert.equal(identityOf(shown(name), domains), id));

  const refused: readonly (readonly [Name, RegExp, readonly string[]])[] = [
    ["twoSpiffe", /more than one SPIFFE id/, []],
    ["dotted", /malformed/, []],
    ["server", /not made for clients/, []],
    ["authority", /authority's/, []],
    ["spiffeInName", /not where it belongs/, []],
    ["elsewhere", /trust domain/, ["mesh"]],
    ["dns", /no SPIFFE id/, ["mesh"]],
    ["hidden", /no SPIFFE id/, ["mesh"]],
  ];
  for (const [name, why, domains] of refused)
    it(`${name} is nobody's: ${why.source}`, () =>
      assert.throws(
        () => identityOf(shown(name), domains),
        (error) => error instanceof CredentialsError && error.reason === "INVALID_CERTIFICATE" && why.test(error.message),
      ));

  it("is not found in what only looks like a list of names", () => assert.equal(identityOf(shown("hidden"), []), "orders"));

  for (const [fault, why] of [
    ["CERT_HAS_EXPIRED", /has expired/],
    ["DEPTH_ZERO_SELF_SIGNED_CERT", /signed by itself/],
    ["SOMETHING_NEW", /cannot be verified/],
  ] as const)
    it(`does not count when the handshake found ${fault}`, () =>
      assert.throws(() => identityOf({ ...shown("spiffe"), certificateFault: fault }, []), { message: why }));

  it("is none without a certificate", () =>
    assert.equal(identityOf({ certificate: undefined, certificateFault: "UNABLE_TO_GET_ISSUER_CERT" }, []), undefined));
});

function shown(name: Name): { readonly certificate: X509Certificate; readonly certificateFault: undefined } {
  return { certificate: new X509Certificate(clientCertificates[name]), certificateFault: undefined };
}
