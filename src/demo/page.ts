/** Pages of a list by position: the token is where the next page begins. */
import { badRequest } from "./shop-error.ts";

const DEFAULT_SIZE = 50;

export function page<T>(all: readonly T[], pageSize: number, pageToken: string): { items: readonly T[]; nextPageToken: string } {
  const from = pageToken === "" ? 0 : Number(pageToken);
  if (!Number.isInteger(from) || from < 0) throw badRequest([{ field: "page_token", description: "is none that this list gave out" }]);
  const to = from + (pageSize > 0 ? pageSize : DEFAULT_SIZE);
  return { items: all.slice(from, to), nextPageToken: to < all.length ? String(to) : "" };
}
