/**
 * JSON <-> protobuf of three sizes, both ways: ours beside protobufjs, protobuf-es and JSON.parse alone.
 *
 * protobufjs is given what it can read (its JSON is not canonical: a Timestamp is {seconds, nanos} there); the others read and print ProtoJSON.
 * "greeting" does 100 in a task.
 */
import { Buffer } from "node:buffer";
import { fileURLToPath } from "node:url";
import { createFileRegistry, fromBinary, fromJsonString, toBinary, toJsonString } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import protobufjs from "protobufjs";
import type { Bench } from "tinybench";
import { canonicalJson } from "../../src/core/message-type.ts";
import { buildSchema } from "../../src/schema/build-schema.ts";
import { InterpretedCodec } from "../../src/schema/codec/interpreted-codec.ts";
import { readFileSync } from "node:fs";

const folder = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

function loadProtobufjs(): protobufjs.Root {
  const root = new protobufjs.Root();
  root.resolvePath = (_origin, target) => {
    if (target === "google/protobuf/descriptor.proto") return folder(`../../node_modules/protobufjs/${target}`);
    return target.startsWith("google/api/") ? folder(`../../protos/${target}`) : target; // the other google files are built in
  };
  return root.loadSync([folder("../protos/helloworld.proto"), folder("../protos/orders.proto")]);
}

const order = {
  id: "ord_01HZX4J8Q9V2K3M5N7P9R1T3W5",
  version: "1234567890123",
  createdAt: "2026-11-23T10:15:30.123Z",
  status: "PAID",
  customer: {
    name: "Ada Lovelace",
    email: "ada@example.com",
    address: { street: "12 St James's Square", city: "London", zip: "SW1Y 4JH", country: "GB" },
    vip: true,
  },
  items: [
    { sku: "SKU-1001", title: "Analytical engine, part one", quantity: 2, price: 19.99, weightG: "1500", tags: ["brass", "gears", "new"] },
    { sku: "SKU-1002", title: "Punched cards, box of 500", quantity: 10, price: 4.5, weightG: "800", tags: ["paper"] },
    { sku: "SKU-1003", title: "Oil can with a long spout", quantity: 1, price: 7.25, weightG: "320", tags: ["oil", "tools"] },
  ],
  labels: { channel: "web", campaign: "autumn-2026", region: "eu-west" },
  total: 92.23,
  signature: "3q2+7wECAwQFBgcICQoLDA0ODw==",
  scores: [1, 5, 200, 40000, 7],
};

function asProtobufjsReads(value: typeof order): object {
  return { ...value, createdAt: { seconds: 1795428930, nanos: 123000000 } };
}

export default function (bench: Bench): void {
  const set = readFileSync(folder("../protos/bench.binpb"));
  const schema = buildSchema(set);
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, set));
  const root = loadProtobufjs();
  const cases = [
    { name: "greeting", type: "helloworld.HelloReply", value: { message: "hello world" }, plain: { message: "hello world" }, times: 100 },
    { name: "order", type: "bench.Order", value: order, plain: asProtobufjsReads(order), times: 1 },
    {
      name: "list",
      type: "bench.OrderList",
      value: { orders: Array.from({ length: 100 }, () => order), nextPageToken: "p2" },
      plain: { orders: Array.from({ length: 100 }, () => asProtobufjsReads(order)), nextPageToken: "p2" },
      times: 1,
    },
  ];
  for (const { name, type, value, plain, times } of cases) {
    const json = Buffer.from(JSON.stringify(value));
    const plainJson = Buffer.from(JSON.stringify(plain));
    const descriptor = schema.message(type)!;
    const ours = descriptor.codec();
    const walking = new InterpretedCodec(descriptor, canonicalJson, schema);
    const es = registry.getMessage(type)!;
    const js = root.lookupType(type);
    const wire = Buffer.from(ours.jsonToWire(json));
    const size = `${json.length} B JSON, ${wire.length} B wire`;
    const add = (task: string, work: () => unknown): void => {
      bench.add(`${name} (${size}) ${task}`, () => {
        for (let i = 0; i < times; i++) work();
      });
    };
    add("JSON -> wire, ours", () => ours.jsonToWire(json));
    add("JSON -> wire, ours interpreted", () => walking.jsonToWire(json));
    add("JSON -> wire, protobufjs", () => js.encode(js.fromObject(JSON.parse(plainJson.toString()))).finish());
    add("JSON -> wire, protobuf-es", () => toBinary(es, fromJsonString(es, json.toString(), { registry })));
    add("JSON -> wire, JSON.parse alone", () => JSON.parse(json.toString()));
    add("wire -> JSON, ours", () => ours.wireToJson(wire));
    add("wire -> JSON, ours interpreted", () => walking.wireToJson(wire));
    add("wire -> JSON, protobufjs", () =>
      Buffer.from(JSON.stringify(js.toObject(js.decode(wire), { longs: String, enums: String, bytes: String }))),
    );
    add("wire -> JSON, protobuf-es", () => Buffer.from(toJsonString(es, fromBinary(es, wire), { registry })));
  }
}
