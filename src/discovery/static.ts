/** Endpoints as they are written in the configuration. */
import type { Endpoint } from "../core/endpoint.ts";
import type { Discovery } from "./discovery.ts";

export function createStaticDiscovery(endpoints: readonly Endpoint[]): Discovery {
  return {
    async *watch() {
      yield endpoints;
    },
  };
}
