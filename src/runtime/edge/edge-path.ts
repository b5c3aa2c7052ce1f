/**
 * Paths from outside, made so that whoever reads them reads the same (SEMANTICS A6, B10): dot segments resolved, slashes merged, and
 * escapes that some servers take for `/`, `\` or the end of the text refused.
 *
 * The trap is in the order: all of it happens before anything is matched, and `%2e%2e` is a dot segment as well.
 */
const suspicious = /%(?:2f|5c|00|2e)|\/\/|\/\./i;
const forbidden = /%(?:2f|5c|00)/gi;

/** The path as everybody reads it; the same text where there is nothing to do. RFC 3986, section 5.2.4. */
export function normalPath(path: string): string {
  if (!suspicious.test(path)) return path;
  const kept: string[] = [];
  const segments = path.split("/").slice(1);
  segments.forEach((segment, index) => {
    const isLast = index === segments.length - 1;
    const plain = segment.replace(/%2e/gi, ".");
    if (plain === "." || plain === "..") {
      if (plain === "..") kept.pop();
      if (isLast) kept.push("");
    } else if (segment !== "" || isLast) kept.push(segment);
  });
  return `/${kept.join("/")}`;
}

/** How many escapes of `/`, `\` and NUL there are. */
export function forbiddenEscapes(text: string): number {
  return text.match(forbidden)?.length ?? 0;
}
