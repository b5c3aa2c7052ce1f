import { Client, credentials, type ServiceError, status } from "@grpc/grpc-js";
import { fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import assert from "node:assert/strict";
import { inflateRawSync } from "node:zlib";
import { compileDemo } from "../../../deploy/demo-descriptors.ts";
import { catalog } from "../../../src/demo/catalog.ts";
import { descriptors } from "../../../src/demo/descriptors.ts";
import { inventory } from "../../../src/demo/inventory.ts";
import type { JsonService } from "../../../src/demo/json-service.ts";
import { orders } from "../../../src/demo/orders.ts";
import { decodeMessage, encodeMessage, messageNamed, serviceNamed } from "../../../src/demo/shop-schema.ts";
import { type ShopServer, startShopServer } from "../../../src/demo/shop-server.ts";

const DEADLINE_MS = 5000;

interface Refusal {
  readonly code: status;
  readonly details: readonly { readonly "@type": string; readonly [field: string]: unknown }[];
}

describe("the demo's shop", () => {
  const running: ShopServer[] = [];
  const clients = new Map<string, Client>();

  before(async () => {
    for (const service of [catalog(() => 0.75), inventory(), orders()] satisfies JsonService[]) {
      const server = await startShopServer(service, 0);
      running.push(server);
      clients.set(service.name, new Client(server.address, credentials.createInsecure()));
    }
  });
  after(() => {
    for (const client of clients.values()) client.close();
    for (const server of running) server.close();
  });

  function types(service: string, method: string) {
    const found = serviceNamed(service).methods.find(({ name }) => name === method);
    assert.ok(found, `${service} has ${method}`);
    return { input: found.input, output: found.output };
  }

  /** Asks a unary method in ProtoJSON. */
  function ask(service: string, method: string, request: object): Promise<Record<string, unknown>> {
    const { input, output } = types(service, method);
    return new Promise((resolve, reject) => {
      clients.get(service)!.makeUnaryRequest(
        `/${service}/${method}`,
        (json: object) => encodeMessage(input, json),
        (bytes: Buffer) => decodeMessage(output, bytes),
        request,
        { deadline: Date.now() + DEADLINE_MS },
        (error, reply) => (error === null ? resolve(reply!) : reject(error)),
      );
    });
  }

  async function refusal(service: string, method: string, request: object): Promise<Refusal> {
    const error = await ask(service, method, request).then(
      () => assert.fail(`${method} was answered`),
      (thrown: ServiceError) => thrown,
    );
    const [bytes] = error.metadata.get("grpc-status-details-bin");
    assert.ok(Buffer.isBuffer(bytes), "the refusal has details");
    const decoded = decodeMessage(messageNamed("google.rpc.Status"), bytes) as unknown as Refusal;
    assert.equal(decoded.code, error.code);
    return decoded;
  }

  it("lists products page by page and by category", async () => {
    const first = await ask("shop.v1.Catalog", "List", { pageSize: 2 });
    assert.deepEqual(
      (first["products"] as { id: string }[]).map(({ id }) => id),
      ["assam", "espresso"],
    );
    const rest = await ask("shop.v1.Catalog", "List", { pageSize: 50, pageToken: first["nextPageToken"] });
    assert.equal((rest["products"] as object[]).length, 3);
    assert.equal(rest["nextPageToken"], "");
    const tea = await ask("shop.v1.Catalog", "List", { category: "TEA" });
    assert.equal((tea["products"] as object[]).length, 2);
  });

  it("finds a product by id and by barcode", async () => {
    const byId = await ask("shop.v1.Catalog", "Get", { id: "espresso" });
    assert.equal(byId["barcode"], "4006381333931");
    assert.deepEqual(await ask("shop.v1.Catalog", "Get", { barcode: "4006381333931" }), byId);
  });

  it("refuses in google.rpc's words", async () => {
    const unknown = await refusal("shop.v1.Catalog", "Get", { id: "nothing" });
    assert.equal(unknown.code, status.NOT_FOUND);
    assert.equal(unknown.details[0]!["reason"], "PRODUCT_NOT_FOUND");

    const wrong = await refusal("shop.v1.Orders", "Create", { order: { lines: [{ productId: "tea" }] } });
    assert.equal(wrong.code, status.INVALID_ARGUMENT);
    const { fieldViolations } = wrong.details[1] as unknown as { fieldViolations: { field: string }[] };
    assert.deepEqual(
      fieldViolations.map(({ field }) => field),
      ["order.customer", "order.lines[0].product_id", "order.lines[0].quantity"],
    );

    const gone = await refusal("shop.v1.Orders", "Cancel", { id: "o-2" });
    assert.equal(gone.code, status.FAILED_PRECONDITION);
    assert.equal(gone.details[0]!["reason"], "ALREADY_SHIPPED");
  });

  it("holds stock until it is all held", async () => {
    const before = await ask("shop.v1.Inventory", "Get", { productId: "espresso" });
    assert.deepEqual(before["onHand"], { berlin: "12", hamburg: "6" });
    const held = await ask("shop.v1.Inventory", "Reserve", { productId: "espresso", quantity: "17", holdFor: "60s" });
    assert.equal(held["quantity"], "17");
    assert.equal((await ask("shop.v1.Inventory", "Get", { productId: "espresso" }))["availability"], "LOW");
    assert.equal(
      (await refusal("shop.v1.Inventory", "Reserve", { productId: "espresso", quantity: "2" })).code,
      status.FAILED_PRECONDITION,
    );
  });

  it("takes an order once for one request id, shows parts of it and changes it by mask", async () => {
    const order = {
      customer: { name: "Mary", email: "mary@example.com" },
      lines: [{ productId: "espresso", quantity: 2 }],
      cashOnDelivery: true,
    };
    const placed = await ask("shop.v1.Orders", "Create", { order, requestId: "a" });
    assert.deepEqual(placed["total"], { currency: "EUR", units: "37", nanos: 800_000_000 });
    assert.equal(placed["number"], "9007199254740995");
    assert.equal((await ask("shop.v1.Orders", "Create", { order, requestId: "a" }))["id"], placed["id"]);

    const part = await ask("shop.v1.Orders", "Get", { id: placed["id"], readMask: "total" });
    assert.equal(part["number"], "0");
    assert.deepEqual(part["total"], placed["total"]);

    const changed = await ask("shop.v1.Orders", "Update", { order: { id: placed["id"], labels: { gift: "yes" } }, updateMask: "labels" });
    assert.deepEqual(changed["labels"], { gift: "yes" });
    assert.deepEqual(changed["customer"], placed["customer"]);
    assert.equal(
      (await refusal("shop.v1.Orders", "Update", { order: { id: placed["id"] }, updateMask: "total" })).code,
      status.INVALID_ARGUMENT,
    );
  });

  it("streams prices and ends after `limit`", async () => {
    const { input, output } = types("shop.v1.Catalog", "WatchPrices");
    const call = clients.get("shop.v1.Catalog")!.makeServerStreamRequest(
      "/shop.v1.Catalog/WatchPrices",
      (json: object) => encodeMessage(input, json),
      (bytes: Buffer) => decodeMessage(output, bytes),
      { ids: ["assam"], limit: 2 },
      { deadline: Date.now() + DEADLINE_MS },
    );
    const changes: { price: object; changePercent?: number }[] = [];
    for await (const change of call) changes.push(change);
    assert.equal(changes.length, 2);
    assert.equal(changes[0]!.changePercent, undefined);
    assert.equal(changes[1]!.changePercent, 2.53); // 0.75 on a scale of -5 % to 5 %, in whole cents
  });

  it("describes itself by reflection, both versions", async () => {
    const requestType = messageNamed("grpc.reflection.v1.ServerReflectionRequest");
    const replyType = messageNamed("grpc.reflection.v1.ServerReflectionResponse");
    for (const version of ["v1", "v1alpha"]) {
      const call = clients.get("shop.v1.Orders")!.makeBidiStreamRequest(
        `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`,
        (json: object) => encodeMessage(requestType, json),
        (bytes: Buffer) => decodeMessage(replyType, bytes),
        { deadline: Date.now() + DEADLINE_MS },
      );
      for (const request of [
        { listServices: "" },
        { fileContainingSymbol: "shop.v1.Orders.Get" },
        { fileByFilename: "no/such.proto" },
        { fileContainingExtension: { containingType: "google.protobuf.MethodOptions", extensionNumber: 72295728 } },
      ]) {
        call.write(request);
      }
      call.end();
      const replies: Record<string, Record<string, unknown>>[] = [];
      for await (const reply of call) replies.push(reply);
      const [listed, symbol, missing, extension] = replies;
      const services = (listed!["listServicesResponse"]!["service"] as { name: string }[]).map(({ name }) => name);
      assert.ok(services.includes("shop.v1.Orders") && services.includes("grpc.health.v1.Health"), services.join());
      const encoded = symbol!["fileDescriptorResponse"]!["fileDescriptorProto"] as string[];
      const names = encoded.map((file) => fromBinary(FileDescriptorProtoSchema, Buffer.from(file, "base64")).name);
      assert.equal(names[0], "shop/v1/orders.proto");
      assert.ok(names.includes("google/api/http.proto"), "with all it imports");
      assert.equal(missing!["errorResponse"]!["errorCode"], status.NOT_FOUND);
      assert.ok("fileDescriptorResponse" in extension!);
    }
  });

  it("is the shop of protos/demo", function () {
    this.timeout(30_000);
    const embedded = inflateRawSync(Buffer.from(descriptors.join(""), "base64"));
    assert.ok(embedded.equals(compileDemo()), "run: node deploy/demo-descriptors.ts");
  });
});
