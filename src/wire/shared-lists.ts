/**
 * One object for field lists that say the same, whichever connection they came on: whoever keeps what it derived from a list (or the list's
 * encoded form) by identity then finds it for all connections, not only for one.
 *
 * Only for lists that repeat; looking one up costs about a microsecond.
 */
const mostLists = 256;
const longestKey = 2048;
const lists = new Map<string, readonly string[]>();

export function sharedList(list: readonly string[]): readonly string[] {
  const key = list.join("\n");
  if (key.length > longestKey) return list;
  const known = lists.get(key);
  if (known !== undefined) return known;
  if (lists.size >= mostLists) lists.clear();
  lists.set(key, list);
  return list;
}
