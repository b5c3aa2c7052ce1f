/** A configuration that may be shown: what is secret by its name is not in it. A part that only bears such a name is shown without its values. */
const secretName = /token|secret|password|passphrase|apikey/i;
/** Private members of a JSON Web Key (RFC 7518, section 6), and what keys are compared with. */
const secretMember = /^(k|d|p|q|dp|dq|qi|oth|hash)$/;

export function redact(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(redact);
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => {
      const secret = (secretName.test(key) && !isRecord(member)) || secretMember.test(key);
      return [key, secret && member !== undefined ? "[redacted]" : redact(member)];
    }),
  );
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
