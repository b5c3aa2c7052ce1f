/**
 * Trailer fields of a chunked body, whose names and values may arrive in pieces.
 *
 * The trap: a trailer must not say what only a head may say (RFC 9110, section 6.5.1), so framing, routing and connection fields are left out.
 */
import type { Buffer } from "node:buffer";
import { Metadata } from "../../core/metadata.ts";
import type { WireLimits } from "../limits.ts";
import { readLatin1 } from "./latin1.ts";

const headOnly = new Set(
  (
    "connection content-encoding content-length content-range content-type cookie expect authorization host http2-settings keep-alive max-forwards " +
    "proxy-authorization proxy-connection range te trailer transfer-encoding upgrade"
  ).split(" "),
);

/** Those on heads hold for trailers too. */
export type TrailerLimits = Pick<WireLimits, "headBytes" | "headFields">;

export class TrailerReader {
  /** More than the limits on heads allow. */
  tooLarge = false;

  private readonly limits: TrailerLimits;
  private readonly flat: string[] = [];
  private name = "";
  private value = "";
  private valueBegun = false;
  private sizeBytes = 0;

  constructor(limits: TrailerLimits) {
    this.limits = limits;
  }

  onName(bytes: Buffer, at: number, length: number): void {
    if (this.valueBegun) this.endField();
    this.name += this.piece(bytes, at, length);
  }

  onValue(bytes: Buffer, at: number, length: number): void {
    this.valueBegun = true;
    this.value += this.piece(bytes, at, length);
  }

  end(): Metadata {
    if (this.valueBegun) this.endField();
    return new Metadata(this.flat);
  }

  private piece(bytes: Buffer, at: number, length: number): string {
    this.sizeBytes += length;
    if (this.sizeBytes > this.limits.headBytes) this.tooLarge = true;
    return this.tooLarge ? "" : readLatin1(bytes, at, at + length);
  }

  private endField(): void {
    const name = this.name.toLowerCase();
    if (this.flat.length >= 2 * this.limits.headFields) this.tooLarge = true;
    else if (!headOnly.has(name)) this.flat.push(name, this.value.replace(/[ \t]+$/, ""));
    this.name = "";
    this.value = "";
    this.valueBegun = false;
  }
}
