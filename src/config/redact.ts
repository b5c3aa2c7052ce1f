/** A configuration that may be shown: what is secret by its name is not in it. */
const secretName = /token|secret|password|passphrase|apikey/i;

export function redact(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(redact);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [key, secretName.test(key) && member !== undefined ? "[redacted]" : redact(member)]),
  );
}
