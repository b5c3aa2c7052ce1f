/**
 * `dragoman demo`: a shop of four gRPC services, each with a sidecar, and lines to paste.
 *
 * Ctrl-C, SIGTERM and the death of any sidecar end all of it; nothing is left behind.
 */
import { once } from "node:events";
import { examples } from "../demo/examples.ts";
import { type Shop, startShop } from "../demo/start-shop.ts";

const GREY = "\u001b[2m";
const PLAIN = "\u001b[0m";

/** What the demo prints once it is up. */
function welcome({ parts }: Shop, colour: boolean): string {
  const [catalog, inventory, orders, chat] = parts;
  const grey = (text: string): string => (colour ? `${GREY}${text}${PLAIN}` : text);
  const where = parts.map(
    ({ name, service, sidecar }) =>
      `  ${name.padEnd(18)} http://${sidecar.inbound}   admin http://${sidecar.admin}   service grpc://${service.address}`,
  );
  const lines = examples({
    catalog: catalog!.sidecar.inbound,
    inventory: inventory!.sidecar.inbound,
    orders: orders!.sidecar.inbound,
    admin: catalog!.sidecar.admin,
  }).flatMap(({ shows, command }) => [grey(`# ${shows}`), command, ""]);
  return [
    "A shop of four gRPC services, each behind a sidecar that speaks REST and gRPC:",
    "",
    ...where,
    "",
    `In a browser, to read and try: http://${catalog!.sidecar.inbound}/.dragoman/docs`,
    `In two browser windows, to talk over a stream both ways: http://${chat!.sidecar.inbound}/chat`,
    "",
    "Paste any of these lines into another terminal:",
    "",
    ...lines,
    "Ctrl-C stops everything.",
  ].join("\n");
}

/** Runs until a signal (resolves with 0) or until a sidecar ends by itself (1). */
export async function demo({ anyPort = false }: { readonly anyPort?: boolean } = {}): Promise<number> {
  const interrupted = Promise.race([once(process, "SIGINT"), once(process, "SIGTERM")]).then(() => undefined);
  const shop = await startShop(anyPort);
  console.log(welcome(shop, process.stdout.isTTY === true && process.env["NO_COLOR"] === undefined));
  const failed = await Promise.race([interrupted, ...shop.parts.map(({ sidecar }) => sidecar.ended)]);
  await shop.close();
  if (failed === undefined) return 0;
  console.error(failed);
  return 1;
}
