/**
 * W3C `baggage`: values that travel with a call, passed on as they came (W3C Baggage, section 3.3).
 *
 * The trap: members beyond the limits are left out one by one, never cut in the middle.
 */
const maxMembers = 64;
const maxBytes = 8192;

/** `baggage` to send on: what fits the limits every hop must carry (64 members, 8192 bytes); undefined for none. */
export function combineBaggage(fields: readonly string[]): string | undefined {
  let combined = "";
  let count = 0;
  for (const field of fields) {
    for (const part of field.split(",")) {
      const member = part.trim();
      if (member === "") continue;
      const length = count === 0 ? member.length : combined.length + 1 + member.length;
      if (count === maxMembers || length > maxBytes) continue;
      combined = count === 0 ? member : `${combined},${member}`;
      count++;
    }
  }
  return combined === "" ? undefined : combined;
}
