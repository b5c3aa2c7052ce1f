/**
 * W3C `tracestate`: what other tracing systems have to say, carried on as it came (Trace Context Level 2, section 3.3).
 *
 * The trap: a list that breaks a rule is dropped whole, and never takes `traceparent` with it. Only a key that comes twice is forgiven: the
 * first, which is the latest, stays.
 */
const maxMembers = 32;
const keyForm = /^[a-z0-9][a-z0-9_\-*/@]{0,255}$/;
const valueForm = /^[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/;
/** Optional white space is spaces and tabs, which `trim` would overdo. */
const around = /^[ \t]+|[ \t]+$/g;

/** `tracestate` to send on, its header fields combined in order; undefined when there is nothing valid to send. */
export function combineTracestate(fields: readonly string[]): string | undefined {
  const members = new Map<string, string>();
  let count = 0;
  for (const field of fields) {
    for (const part of field.split(",")) {
      const member = part.replace(around, "");
      if (member === "") continue;
      const equals = member.indexOf("=");
      const key = member.slice(0, equals);
      if (equals < 1 || !keyForm.test(key) || !valueForm.test(member.slice(equals + 1)) || ++count > maxMembers) return undefined;
      if (!members.has(key)) members.set(key, member);
    }
  }
  return members.size === 0 ? undefined : [...members.values()].join(",");
}
