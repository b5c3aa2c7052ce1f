/**
 * The whole demo: four services, four sidecars, and one way to end them all.
 *
 * The friendly ports are taken when they are free, else any; what is printed is always what was bound.
 */
import { createServer } from "node:net";
import { catalog } from "./catalog.ts";
import { chat } from "./chat.ts";
import { inventory } from "./inventory.ts";
import type { JsonService } from "./json-service.ts";
import { orders } from "./orders.ts";
import { startShopServer, type ShopServer } from "./shop-server.ts";
import { type Sidecar, startSidecar } from "./sidecar.ts";

interface ShopPart {
  readonly name: string;
  readonly service: ShopServer;
  readonly sidecar: Sidecar;
}

export interface Shop {
  readonly parts: readonly ShopPart[];
  close(): Promise<void>;
}

const FIRST_SERVICE_PORT = 50051;
const FIRST_SIDECAR_PORT = 8081;
const FIRST_ADMIN_PORT = 9901;

async function isFree(port: number): Promise<boolean> {
  const probe = createServer();
  return new Promise((resolve) => {
    probe.once("error", () => resolve(false));
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)));
  });
}

async function startPart(create: () => JsonService, index: number, anyPort: boolean): Promise<ShopPart> {
  const port = async (friendly: number): Promise<number> => (!anyPort && (await isFree(friendly + index)) ? friendly + index : 0);
  const listen = `127.0.0.1:${await port(FIRST_SIDECAR_PORT)}`;
  const admin = `127.0.0.1:${await port(FIRST_ADMIN_PORT)}`;
  const definition = create();
  const service = await startShopServer(definition, await port(FIRST_SERVICE_PORT));
  try {
    return { name: definition.name, service, sidecar: await startSidecar({ upstream: service.address, listen, admin }) };
  } catch (error) {
    service.close();
    throw error;
  }
}

async function closePart({ service, sidecar }: ShopPart): Promise<void> {
  await sidecar.stop(); // first, for it may have calls on their way to the service
  service.close();
}

/** Catalog, inventory, orders, chat, in this order; either all of them run or none. */
export async function startShop(anyPort: boolean): Promise<Shop> {
  const started = await Promise.allSettled(
    [catalog, inventory, orders, chat].map((create, index) => startPart(() => create(), index, anyPort)),
  );
  const parts = started.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
  const close = async (): Promise<void> => void (await Promise.all(parts.map(closePart)));
  const failed = started.find((result) => result.status === "rejected");
  if (failed !== undefined) {
    await close();
    throw failed.reason;
  }
  return { parts, close };
}
