/** What the shop sells on the day it opens. */

export interface Money {
  readonly currency: string;
  /** int64: text in ProtoJSON. */
  readonly units: string;
  readonly nanos: number;
}

export interface Product {
  readonly id: string;
  readonly title: string;
  readonly category: "COFFEE" | "TEA" | "EQUIPMENT";
  readonly price: Money;
  readonly barcode: string;
  readonly tags: readonly string[];
  readonly attributes: Readonly<Record<string, string>>;
  readonly updatedAt: string;
}

const CENT_NANOS = 10_000_000;

/** An amount of euros from cents. */
export function euros(cents: number): Money {
  return { currency: "EUR", units: String(Math.trunc(cents / 100)), nanos: (cents % 100) * CENT_NANOS };
}

export const cents = ({ units, nanos }: Money): number => Number(units) * 100 + nanos / CENT_NANOS;

const OPENED = "2026-11-23T08:00:00Z";

export const products: readonly Product[] = [
  {
    id: "assam",
    title: "Assam, loose leaf, 250 g",
    category: "TEA",
    price: euros(950),
    barcode: "4006381333948",
    tags: ["black", "malty"],
    attributes: { origin: "India", flush: "second" },
    updatedAt: OPENED,
  },
  {
    id: "espresso",
    title: "Espresso beans, 1 kg",
    category: "COFFEE",
    price: euros(1890),
    barcode: "4006381333931",
    tags: ["dark", "whole-bean"],
    attributes: { origin: "Brazil", roast: "dark" },
    updatedAt: OPENED,
  },
  {
    id: "filter",
    title: "Filter roast, 500 g",
    category: "COFFEE",
    price: euros(1240),
    barcode: "4006381333955",
    tags: ["light"],
    attributes: { origin: "Ethiopia", roast: "light" },
    updatedAt: OPENED,
  },
  {
    id: "grinder",
    title: "Hand grinder",
    category: "EQUIPMENT",
    price: euros(7900),
    barcode: "4006381333962",
    tags: ["steel"],
    attributes: { burr: "conical" },
    updatedAt: OPENED,
  },
  {
    id: "sencha",
    title: "Sencha, 100 g",
    category: "TEA",
    price: euros(1420),
    barcode: "4006381333979",
    tags: ["green"],
    attributes: { origin: "Japan" },
    updatedAt: OPENED,
  },
];
