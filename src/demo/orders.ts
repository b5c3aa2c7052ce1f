/**
 * shop.v1.Orders: orders with everything a message can have, in memory.
 *
 * The oldest orders go when there are too many, so that a demo left running does not grow.
 */
import { randomBytes } from "node:crypto";
import { type JsonService, unary } from "./json-service.ts";
import { page } from "./page.ts";
import { cents, euros, type Money, products } from "./products.ts";
import { badRequest, failedPrecondition, notFound, type Violation } from "./shop-error.ts";

interface Line {
  readonly productId: string;
  readonly quantity: number;
  readonly unitPrice?: Money;
}

interface Customer {
  readonly name: string;
  readonly email: string;
  readonly address?: object;
}

interface Order {
  readonly id: string;
  readonly number: string;
  readonly status: "PLACED" | "SHIPPED" | "CANCELLED";
  readonly customer?: Customer;
  readonly lines: readonly Line[];
  readonly labels: Readonly<Record<string, string>>;
  readonly createdAt: string;
  readonly deliverWithin: string;
  readonly total: Money;
  readonly cancelReason: string;
}

interface CreateRequest {
  readonly order?: Order;
  readonly requestId: string;
}

interface GetRequest {
  readonly id: string;
  /** ProtoJSON field mask: lowerCamelCase paths with commas. */
  readonly readMask?: string;
}

interface ListRequest {
  readonly status: readonly string[];
  readonly pageSize: number;
  readonly pageToken: string;
}

interface UpdateRequest {
  readonly order?: Partial<Order> & { readonly id: string };
  readonly updateMask?: string;
}

interface CancelRequest {
  readonly id: string;
  readonly reason: string;
}

const MOST_ORDERS = 1000;
const FIRST_NUMBER = 9007199254740993n; // 2^53 + 1: a number that JavaScript's own cannot hold
const DELIVERY = "259200s";

const SEED: readonly Order[] = [
  {
    id: "o-1",
    number: String(FIRST_NUMBER),
    status: "PLACED",
    customer: {
      name: "Ada Lovelace",
      email: "ada@example.com",
      address: { street: "12 St James's Square", city: "London", postalCode: "SW1Y 4JH", country: "GB" },
    },
    lines: [{ productId: "espresso", quantity: 2, unitPrice: euros(1890) }],
    labels: { channel: "web" },
    createdAt: "2026-11-23T08:15:00Z",
    deliverWithin: DELIVERY,
    total: euros(3780),
    cancelReason: "",
  },
  {
    id: "o-2",
    number: String(FIRST_NUMBER + 1n),
    status: "SHIPPED",
    customer: { name: "Grace Hopper", email: "grace@example.com" },
    lines: [{ productId: "grinder", quantity: 1, unitPrice: euros(7900) }],
    labels: { channel: "store", gift: "yes" },
    createdAt: "2026-11-23T08:20:00Z",
    deliverWithin: DELIVERY,
    total: euros(7900),
    cancelReason: "",
  },
];

function violations({ customer, lines }: Order): Violation[] {
  const found: Violation[] = [];
  if (customer === undefined) found.push({ field: "order.customer", description: "is missing" });
  else if (!customer.email.includes("@")) found.push({ field: "order.customer.email", description: "is no address" });
  if (lines.length === 0) found.push({ field: "order.lines", description: "must have at least one line" });
  lines.forEach(({ productId, quantity }, index) => {
    if (!products.some(({ id }) => id === productId)) {
      found.push({ field: `order.lines[${index}].product_id`, description: `no product "${productId}"` });
    }
    if (quantity < 1) found.push({ field: `order.lines[${index}].quantity`, description: "must be at least 1" });
  });
  return found;
}

/** The fields of `mask` only, top level; all when it is empty. */
function masked(order: Order, mask: string | undefined): object {
  if (mask === undefined || mask === "") return order;
  const wanted = mask.split(",").map((path) => path.split(".")[0]!);
  return Object.fromEntries(Object.entries(order).filter(([field]) => wanted.includes(field)));
}

const CHANGEABLE = ["labels", "customer", "deliverWithin"] as const;

export function orders(now: () => number = Date.now): JsonService {
  const byId = new Map(SEED.map((order) => [order.id, order]));
  const byRequest = new Map<string, string>();
  let nextNumber = FIRST_NUMBER + BigInt(SEED.length);

  function known(id: string): Order {
    const order = byId.get(id);
    if (order === undefined) throw notFound("order", id);
    return order;
  }

  function keep(order: Order): Order {
    byId.set(order.id, order);
    if (byId.size > MOST_ORDERS) byId.delete(byId.keys().next().value!);
    return order;
  }

  function remember(requestId: string, id: string): void {
    if (requestId === "") return;
    byRequest.set(requestId, id);
    if (byRequest.size > MOST_ORDERS) byRequest.delete(byRequest.keys().next().value!);
  }

  function create({ order, requestId }: CreateRequest): Order {
    const before = byId.get(byRequest.get(requestId) ?? "");
    if (before !== undefined) return before;
    if (order === undefined) throw badRequest([{ field: "order", description: "is missing" }]);
    const wrong = violations(order);
    if (wrong.length > 0) throw badRequest(wrong);
    const lines = order.lines.map((line) => ({ ...line, unitPrice: products.find(({ id }) => id === line.productId)!.price }));
    const total = lines.reduce((sum, { quantity, unitPrice }) => sum + quantity * cents(unitPrice), 0);
    const placed: Order = {
      ...order,
      id: `o-${randomBytes(5).toString("hex")}`,
      number: String(nextNumber++),
      status: "PLACED",
      lines,
      total: euros(total),
      createdAt: new Date(now()).toISOString(),
      deliverWithin: order.deliverWithin ?? DELIVERY,
      cancelReason: "",
    };
    remember(requestId, placed.id);
    return keep(placed);
  }

  function list({ status, pageSize, pageToken }: ListRequest): object {
    const all = [...byId.values()].filter((order) => status.length === 0 || status.includes(order.status));
    const { items, nextPageToken } = page(all, pageSize, pageToken);
    return { orders: items, nextPageToken };
  }

  function update({ order, updateMask }: UpdateRequest): Order {
    const before = known(order?.id ?? "");
    const paths = (updateMask ?? "").split(",").filter((path) => path !== "");
    if (paths.length === 0) throw badRequest([{ field: "update_mask", description: "names no field" }]);
    const changes: Record<string, unknown> = {};
    for (const path of paths) {
      const field = CHANGEABLE.find((name) => path === name || path.startsWith(`${name}.`));
      if (field === undefined) throw badRequest([{ field: "update_mask", description: `"${path}" is the shop's to set` }]);
      changes[field] = order?.[field];
    }
    return keep({ ...before, ...changes });
  }

  function cancel({ id, reason }: CancelRequest): Order {
    const before = known(id);
    if (before.status === "SHIPPED") throw failedPrecondition("ALREADY_SHIPPED", id, `order "${id}" has left the house`);
    return keep({ ...before, status: "CANCELLED", cancelReason: reason });
  }

  return {
    name: "shop.v1.Orders",
    methods: {
      Create: unary(create),
      Get: unary(({ id, readMask }: GetRequest) => masked(known(id), readMask)),
      List: unary(list),
      Update: unary(update),
      Cancel: unary(cancel),
    },
  };
}
