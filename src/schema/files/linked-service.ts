/** Services and methods of a checked symbol table; options are read at once, because the method table wants all bindings. */
import type { HttpBinding, Method } from "../../core/method.ts";
import type { MessageDescriptor, MethodDescriptor, ServiceDescriptor } from "../descriptor.ts";
import type { MethodProto } from "./file-descriptor.ts";
import type { LinkedTypes } from "./linked-types.ts";
import { readMethodOptions } from "./options.ts";
import type { ServiceSymbol } from "./symbol-table.ts";

export class LinkedService implements ServiceDescriptor {
  readonly name: string;
  readonly methods: readonly MethodDescriptor[];
  readonly #symbol: ServiceSymbol;

  constructor(symbol: ServiceSymbol, types: LinkedTypes) {
    this.name = symbol.name;
    this.methods = symbol.proto.methods.map((method, i) => new LinkedMethod(method, i, symbol, types));
    this.#symbol = symbol;
  }

  get comment(): string | undefined {
    return this.#symbol.file.comments.at(this.#symbol.path);
  }
}

class LinkedMethod implements MethodDescriptor {
  readonly path: string;
  readonly service: string;
  readonly name: string;
  readonly input: MessageDescriptor;
  readonly output: MessageDescriptor;
  readonly clientStreaming: boolean;
  readonly serverStreaming: boolean;
  readonly unary: boolean;
  readonly idempotency: Method["idempotency"];
  readonly http: readonly HttpBinding[];
  readonly httpProblems: readonly string[];
  readonly deprecated: boolean;
  readonly #symbol: ServiceSymbol;
  readonly #index: number;

  constructor(proto: MethodProto, index: number, symbol: ServiceSymbol, types: LinkedTypes) {
    const { idempotency, http, httpProblems } = readMethodOptions(proto.options.bytes);
    this.path = `/${symbol.name}/${proto.name}`;
    this.service = symbol.name;
    this.name = proto.name;
    this.input = types.messageOf(types.table.message(proto.input)!);
    this.output = types.messageOf(types.table.message(proto.output)!);
    this.clientStreaming = proto.clientStreaming;
    this.serverStreaming = proto.serverStreaming;
    this.unary = !proto.clientStreaming && !proto.serverStreaming;
    this.idempotency = idempotency;
    this.http = http;
    this.httpProblems = httpProblems;
    this.deprecated = proto.options.deprecated;
    this.#symbol = symbol;
    this.#index = index;
  }

  get file(): string {
    return this.#symbol.file.name;
  }

  get comment(): string | undefined {
    return this.#symbol.file.comments.at(`${this.#symbol.path},2,${this.#index}`);
  }
}
