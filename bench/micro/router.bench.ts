/** What a request costs before its method is known, and what its parameters cost on the wire. */
import type { Bench } from "tinybench";
import { create, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { buildSchema } from "../../src/schema/build-schema.ts";
import { createMethodTable } from "../../src/schema/method-table.ts";
import type { HttpBinding } from "../../src/core/method.ts";
import type { MethodDescriptor } from "../../src/schema/descriptor.ts";

const rounds = 100;

/** A schema of a shop with `resources` resources, of which each has the five standard methods. */
function tableOf(resources: number) {
  const string = (name: string, number: number) => ({ name, jsonName: name, number, type: 9, label: 1 });
  const schema = buildSchema(
    toBinary(
      FileDescriptorSetSchema,
      create(FileDescriptorSetSchema, {
        file: [
          {
            name: "bench.proto",
            package: "bench",
            syntax: "proto3",
            messageType: [
              {
                name: "Request",
                field: [string("id", 1), string("parent", 2), { name: "page_size", jsonName: "pageSize", number: 3, type: 5, label: 1 }],
              },
            ],
            service: [{ name: "Bench", method: [{ name: "Call", inputType: ".bench.Request", outputType: ".bench.Request" }] }],
          },
        ],
      }),
    ),
  );
  const base = schema.services[0]!.methods[0]!;
  const methods: MethodDescriptor[] = [];
  for (let index = 0; index < resources; index++)
    for (const [name, httpMethod, template] of [
      ["Get", "GET", `/v1/resource${index}/{id}`],
      ["List", "GET", `/v1/{parent=shops/*}/resource${index}`],
      ["Create", "POST", `/v1/resource${index}`],
      ["Delete", "DELETE", `/v1/resource${index}/{id}`],
      ["Purge", "POST", `/v1/resource${index}/{id=**}:purge`],
    ] as const) {
      const http: HttpBinding[] = [{ httpMethod, template, body: name === "Create" ? "*" : "", responseBody: "" }];
      const { idempotency, clientStreaming, serverStreaming, unary, input, output } = base;
      methods.push({
        ...{ idempotency, clientStreaming, serverStreaming, unary, input, output, deprecated: false, comment: undefined },
        ...{ service: "bench.Bench", name, path: `/bench.Bench/${name}${index}`, http },
      });
    }
  return createMethodTable({ ...schema, services: [{ name: "bench.Bench", methods, comment: undefined }] }, { autoMapping: true });
}

export default function (bench: Bench): void {
  const tables = [
    ["10", tableOf(10)],
    ["1000", tableOf(1000)],
  ] as const;
  for (const [size, table] of tables) {
    const targets = [
      ["exact path", "POST", "/v1/resource7"],
      ["gRPC path", "POST", "/bench.Bench/Get7"],
      ["one variable", "GET", "/v1/resource7/0123456789"],
      ["one variable and a query", "GET", "/v1/resource7/0123456789?page_size=50"],
      ["two segments in a variable", "GET", "/v1/shops/main/resource7"],
      ["** and a verb", "POST", "/v1/resource7/a/b/c:purge"],
      ["unknown path", "GET", "/v1/nothing/0123456789"],
    ] as const;
    for (const [name, httpMethod, target] of targets)
      bench.add(`${size} resources: route, ${name} (x${rounds})`, () => {
        for (let round = 0; round < rounds; round++) table.route(httpMethod, target);
      });
  }
  const [, table] = tables[0];
  for (const target of [
    "/v1/resource7/0123456789",
    "/v1/resource7/01%2056789",
    "/v1/resource7/0123456789?page_size=50",
    "/v1/shops/main/resource7",
  ])
    bench.add(`route and bind ${target} (x${rounds})`, () => {
      for (let round = 0; round < rounds; round++) {
        const route = table.route("GET", target);
        if (route.found) route.binder.bind(route, undefined);
      }
    });
}
