/**
 * Which method a WebSocket is for: `/pkg.Service/Method`, or any path that REST serves.
 *
 * The trap: an upgrade is always a GET, whatever HTTP method the binding has. Where a path is bound for several, GET wins, then POST, PUT,
 * PATCH, DELETE and the rest by name; every method can be reached at its own path.
 */
import { CallError } from "../../core/call-error.ts";
import type { MethodTable, RouteMatch } from "../../schema/method-table.ts";
import { methodAt, type Catalogue } from "../protocol.ts";
import { opaqueMethod } from "../shared/opaque-type.ts";
import { MessageBinding } from "./message-binding.ts";
import type { Subprotocol } from "./subprotocols.ts";

const preferred = ["GET", "POST", "PUT", "PATCH", "DELETE"];
const methodPath = /^\/[\w.]+\/\w+$/;

/** Nobody here has a method for it, and the service behind may speak WebSocket itself. */
export function isPassedOn(target: string, catalogue: Catalogue): boolean {
  const { table, plainHttp } = catalogue;
  if (plainHttp !== true || !target.startsWith("/")) return false;
  return methodAt(catalogue, pathOf(target)) === undefined && (table === undefined || restRoute(table, target) === undefined);
}

/** @throws CallError NO_SCHEMA, UNKNOWN_PATH */
export function bindingFor(target: string, subprotocol: Subprotocol, catalogue: Catalogue): MessageBinding {
  const { table } = catalogue;
  const path = pathOf(target);
  const method = methodAt(catalogue, path);
  if (method !== undefined) {
    const plain = routeOf(table, "POST", path, method.path);
    return new MessageBinding(method, path === target ? undefined : routeOf(table, "POST", target, method.path), plain);
  }
  const found = table === undefined ? undefined : restRoute(table, target);
  if (found !== undefined) return new MessageBinding(found.method, found, routeOf(table, "POST", found.method.path, found.method.path));
  // Protobuf can cross without anybody knowing what it means.
  if ((subprotocol === "dragoman-proto" || subprotocol === "grpc") && methodPath.test(path))
    return new MessageBinding(opaqueMethod(path), undefined, undefined);
  throw new CallError(table === undefined ? "NO_SCHEMA" : "UNKNOWN_PATH", undefined, table === undefined ? {} : { source: "caller" });
}

function pathOf(target: string): string {
  const query = target.indexOf("?");
  return query < 0 ? target : target.slice(0, query);
}

function restRoute(table: MethodTable, target: string): RouteMatch | undefined {
  const get = table.route("GET", target);
  if (get.found) return get;
  for (const httpMethod of [...preferred.filter((each) => get.allow.includes(each)), ...get.allow]) {
    const route = table.route(httpMethod, target);
    if (route.found) return route;
  }
  return undefined;
}

/** The automatic mapping of a method: undefined where there is none, or where an annotation has its place. */
function routeOf(table: MethodTable | undefined, httpMethod: string, target: string, path: string): RouteMatch | undefined {
  const route = table?.route(httpMethod, target);
  return route?.found === true && route.method.path === path && route.binder.binding.body === "*" ? route : undefined;
}
