/**
 * shop.v1.Catalog: products, and their prices as they wander by up to 5 % every half second.
 *
 * A watcher that reads too slowly misses changes: nothing is buffered for it beyond what gRPC's window holds.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { type JsonService, type Send, serverStream, unary } from "./json-service.ts";
import { page } from "./page.ts";
import { cents, euros, type Money, type Product, products } from "./products.ts";
import { notFound } from "./shop-error.ts";

interface ListRequest {
  readonly category: string;
  readonly pageSize: number;
  readonly pageToken: string;
}

interface GetRequest {
  readonly id: string;
  readonly barcode: string;
}

interface WatchRequest {
  readonly ids: readonly string[];
  readonly limit: number;
}

interface PriceChange {
  readonly id: string;
  readonly price: Money;
  readonly changePercent?: number;
  readonly at: string;
}

const CHANGE_MS = 500;
const GREATEST_CHANGE = 0.05;

export function catalog(random: () => number = Math.random): JsonService {
  const current = new Map<string, Product>(products.map((product) => [product.id, product]));

  function list({ category, pageSize, pageToken }: ListRequest): object {
    const all = [...current.values()].filter((product) => category === "CATEGORY_UNSPECIFIED" || product.category === category);
    const { items, nextPageToken } = page(all, pageSize, pageToken);
    return { products: items, nextPageToken };
  }

  function get({ id, barcode }: GetRequest): Product {
    const product = current.get(id) ?? [...current.values()].find((one) => one.barcode === barcode);
    if (product === undefined) throw notFound("product", id === "" ? barcode : id);
    return product;
  }

  /** Moves one product's price, for all who look. */
  function move(id: string): PriceChange {
    const product = current.get(id)!;
    const before = cents(product.price);
    const after = Math.max(1, Math.round(before * (1 + (random() * 2 - 1) * GREATEST_CHANGE)));
    const at = new Date().toISOString();
    current.set(id, { ...product, price: euros(after), updatedAt: at });
    return { id, price: euros(after), changePercent: Math.round((after / before - 1) * 10_000) / 100, at };
  }

  async function watch({ ids, limit }: WatchRequest, send: Send<PriceChange>, signal: AbortSignal): Promise<void> {
    const wanted = ids.length === 0 ? [...current.keys()] : ids;
    for (const id of wanted) get({ id, barcode: "0" }); // an unknown id is told before the first message
    let left = limit > 0 ? limit : Number.POSITIVE_INFINITY;
    let room = true;
    for (const id of wanted) {
      if (left-- <= 0) return;
      const { price, updatedAt } = current.get(id)!;
      room = send({ id, price, at: updatedAt });
    }
    while (left > 0 && (await pause(signal))) {
      const change = move(wanted[Math.floor(random() * wanted.length)]!);
      if (!room) {
        room = true; // one change is passed over, then the caller is tried again
        continue;
      }
      room = send(change);
      left--;
    }
  }

  return { name: "shop.v1.Catalog", methods: { List: unary(list), Get: unary(get), WatchPrices: serverStream(watch) } };
}

/** False when the caller has left. */
async function pause(signal: AbortSignal): Promise<boolean> {
  return sleep(CHANGE_MS, true, { signal, ref: false }).catch(() => false);
}
