/** Endpoints as they are written in the configuration. */
import type { Endpoint } from "../core/endpoint.ts";
import type { Discovery } from "./discovery.ts";

export function createStaticDiscovery(endpoints: readonly Endpoint[]): Discovery {
  return {
    // eslint-disable-next-line @typescript-eslint/require-await -- the interface is asynchronous for those that ask somebody
    async *watch() {
      yield endpoints;
    },
  };
}
