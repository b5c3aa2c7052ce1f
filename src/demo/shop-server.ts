/**
 * One service of the shop as a gRPC server on loopback, with reflection and health.
 */
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { grpcService, type JsonService, serverStream, unary } from "./json-service.ts";
import { reflectionServices } from "./reflection-service.ts";
import { notFound } from "./shop-error.ts";

const HEALTH = "grpc.health.v1.Health";

export interface ShopServer {
  /** "127.0.0.1:41234" */
  readonly address: string;
  close(): void;
}

function health(service: string): JsonService {
  const check = ({ service: asked }: { readonly service: string }): { status: string } => {
    if (asked !== "" && asked !== service) throw notFound("service", asked);
    return { status: "SERVING" };
  };
  return {
    name: HEALTH,
    methods: {
      Check: unary(check),
      Watch: serverStream(async (request: { readonly service: string }, send, signal) => {
        send(known(request.service));
        await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
      }),
    },
  };

  function known(name: string): { status: string } {
    return { status: name === "" || name === service ? "SERVING" : "SERVICE_UNKNOWN" };
  }
}

/** Starts `service` on `port` (0: any) of 127.0.0.1. */
export async function startShopServer(service: JsonService, port: number): Promise<ShopServer> {
  const server = new Server();
  server.addService(...grpcService(service));
  server.addService(...grpcService(health(service.name)));
  for (const [definition, implementation] of reflectionServices([service.name, HEALTH])) server.addService(definition, implementation);
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (error, actual) =>
      error === null ? resolve(actual) : reject(error),
    );
  });
  return { address: `127.0.0.1:${bound}`, close: () => server.forceShutdown() };
}
