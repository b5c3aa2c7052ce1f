/**
 * shop.v1.Inventory: what is on the shelves, and reservations that lapse by themselves.
 *
 * A reservation is dropped when its time is over and somebody looks: no timers, and the number of live ones is bounded.
 */
import { type JsonService, unary } from "./json-service.ts";
import { products } from "./products.ts";
import { badRequest, failedPrecondition, notFound } from "./shop-error.ts";

interface GetRequest {
  readonly productId: string;
}

interface ReserveRequest {
  readonly productId: string;
  readonly quantity: string;
  /** ProtoJSON duration: seconds with an "s". */
  readonly holdFor?: string;
}

interface Reservation {
  readonly id: string;
  readonly productId: string;
  readonly quantity: string;
  readonly expiresAt: string;
}

const DEFAULT_HOLD_S = 300;
const LONGEST_HOLD_S = 86_400;
const LOW = 10;
const MOST_RESERVATIONS = 10_000;

export function inventory(now: () => number = Date.now): JsonService {
  const shelves = new Map(products.map(({ id }, index) => [id, { berlin: 12 * index, hamburg: 5 + index }]));
  let reservations: Reservation[] = [];
  let lastNumber = 0;

  function onHand(productId: string): { berlin: number; hamburg: number } {
    const shelf = shelves.get(productId);
    if (shelf === undefined) throw notFound("product", productId);
    return shelf;
  }

  function reserved(productId: string): number {
    reservations = reservations.filter(({ expiresAt }) => Date.parse(expiresAt) > now());
    return reservations.filter((one) => one.productId === productId).reduce((sum, { quantity }) => sum + Number(quantity), 0);
  }

  function get({ productId }: GetRequest): object {
    const { berlin, hamburg } = onHand(productId);
    const held = reserved(productId);
    const free = berlin + hamburg - held;
    const availability = free <= 0 ? "SOLD_OUT" : free < LOW ? "LOW" : "IN_STOCK";
    return { productId, availability, onHand: { berlin: String(berlin), hamburg: String(hamburg) }, reserved: String(held) };
  }

  function reserve({ productId, quantity, holdFor }: ReserveRequest): Reservation {
    const { berlin, hamburg } = onHand(productId);
    const wanted = Number(quantity);
    const holdSeconds = holdFor === undefined ? DEFAULT_HOLD_S : Number.parseFloat(holdFor);
    const violations = [];
    if (wanted <= 0) violations.push({ field: "quantity", description: "must be at least 1" });
    if (holdSeconds <= 0 || holdSeconds > LONGEST_HOLD_S) violations.push({ field: "hold_for", description: "must be up to one day" });
    if (violations.length > 0) throw badRequest(violations);
    const free = berlin + hamburg - reserved(productId);
    if (wanted > free) throw failedPrecondition("NOT_ENOUGH_STOCK", productId, `only ${free} of "${productId}" left`);
    if (reservations.length >= MOST_RESERVATIONS) throw failedPrecondition("TOO_MANY_RESERVATIONS", productId, "try again later");
    const reservation = {
      id: `r-${++lastNumber}`,
      productId,
      quantity,
      expiresAt: new Date(now() + holdSeconds * 1000).toISOString(),
    };
    reservations.push(reservation);
    return reservation;
  }

  return { name: "shop.v1.Inventory", methods: { Get: unary(get), Reserve: unary(reserve) } };
}
