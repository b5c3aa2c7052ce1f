/**
 * What the demo prints to try: every line works when pasted, and a test runs each of them.
 */

export interface ShopAddresses {
  readonly catalog: string;
  readonly inventory: string;
  readonly orders: string;
  readonly admin: string;
}

export interface Example {
  readonly shows: string;
  readonly command: string;
}

const json = (value: unknown): string => `--json '${JSON.stringify(value)}'`;

const ORDER = {
  customer: { name: "Mary Jackson", email: "mary@example.com", address: { city: "Hampton", country: "US" } },
  lines: [
    { productId: "espresso", quantity: 2 },
    { productId: "grinder", quantity: 1 },
  ],
  labels: { gift: "yes" },
  deliverWithin: "86400s",
  cashOnDelivery: true,
};

/** The lines, in the order in which a newcomer would try them. */
export function examples({ catalog, inventory, orders, admin }: ShopAddresses): readonly Example[] {
  return [
    { shows: "products, two at a time", command: `curl -s 'http://${catalog}/v1/products?page_size=2'` },
    { shows: "the same method at its other address", command: `curl -s http://${catalog}/v1/categories/TEA/products` },
    { shows: "one product", command: `curl -s http://${catalog}/v1/products/espresso` },
    {
      shows: "every method answers here too",
      command: `curl -s ${json({ barcode: "4006381333962" })} http://${catalog}/shop.v1.Catalog/Get`,
    },
    { shows: "an error: 404, with a reason a program can read", command: `curl -si http://${catalog}/v1/products/nothing` },
    { shows: "what is on the shelves: a map, an enum, 64 bit numbers", command: `curl -s http://${inventory}/v1/stock/espresso` },
    {
      shows: "a verb, and a duration",
      command: `curl -s ${json({ quantity: 3, holdFor: "90s" })} http://${inventory}/v1/stock/espresso:reserve`,
    },
    {
      shows: "an error: not that many",
      command: `curl -si ${json({ quantity: 5000 })} http://${inventory}/v1/stock/espresso:reserve`,
    },
    {
      shows: "an order; body and query meet in one message",
      command: `curl -s ${json(ORDER)} 'http://${orders}/v1/orders?request_id=first'`,
    },
    { shows: "an error: 400, field by field", command: `curl -si ${json({ lines: [{ productId: "tea" }] })} http://${orders}/v1/orders` },
    { shows: "a part of an order, by field mask", command: `curl -s 'http://${orders}/v1/orders/o-1?read_mask=id,total,created_at'` },
    { shows: "orders by status", command: `curl -s 'http://${orders}/v1/orders?status=PLACED&status=SHIPPED&page_size=2'` },
    {
      shows: "PATCH: the field mask is made from the body",
      command: `curl -s -X PATCH ${json({ labels: { gift: "yes", wrap: "blue" } })} http://${orders}/v1/orders/o-1`,
    },
    { shows: "cancel it", command: `curl -s ${json({ reason: "changed my mind" })} http://${orders}/v1/orders/o-1:cancel` },
    { shows: "an error: that one has left the house", command: `curl -si ${json({})} http://${orders}/v1/orders/o-2:cancel` },
    { shows: "what the sidecar of the catalog counted", command: `curl -s http://${admin}/metrics` },
    {
      shows: "gRPC on the same port",
      command: `npx buf curl --http2-prior-knowledge --protocol grpc -d '{"id":"espresso"}' http://${catalog}/shop.v1.Catalog/Get`,
    },
    {
      shows: "a server stream: prices as they change",
      command: `npx buf curl --http2-prior-knowledge --protocol grpc -d '{"ids":["espresso"],"limit":4}' http://${catalog}/shop.v1.Catalog/WatchPrices`,
    },
    { shows: "the same with grpcurl, where it is installed", command: `grpcurl -plaintext -d '{"id":"o-2"}' ${orders} shop.v1.Orders/Get` },
  ];
}
