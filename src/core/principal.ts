/**
 * Who a call is made for, once `authenticate` has found out; what authorization, limits and caches are decided by.
 *
 * The trap: a call without the slot was not authenticated at all; one whose kind is "anonymous" was let through without credentials because
 * the configuration says so. Neither is somebody.
 */
import { slot } from "./slots.ts";

export interface Principal {
  /** The method that vouches for it. */
  readonly kind: "jwt" | "api-key" | "mtls" | "anonymous";
  /** The token's subject, the key's name, the certificate's SPIFFE id (or name); "" for the anonymous. */
  readonly id: string;
  /** What the token says, or the configuration says of the key; JSON values. */
  readonly claims: Readonly<Record<string, unknown>>;
  /** Wall clock, milliseconds; Infinity when it does not end. A call that streams ends then. */
  readonly expiresAtMs: number;
}

export const PrincipalSlot = slot<Principal>("principal");

/**
 * How a caller renews its credentials while its call goes on: an inbound side that reads a new `authorization` value hands it to this.
 * What is not accepted ends the call. Calls that cannot be renewed have no such slot.
 */
export type Renew = (authorization: string) => void;

export const RenewSlot = slot<Renew>("renew-credentials");
