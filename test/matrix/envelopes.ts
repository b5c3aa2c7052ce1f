/** gRPC's envelopes, written and taken apart without any code of ours: a flag byte, the length big-endian, the message. */

export function envelope(flags: number, bytes: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head[0] = flags;
  head.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}

export interface SplitEnvelope {
  readonly flags: number;
  readonly bytes: Buffer;
}

/** Cuts chunks into envelopes. */
export class EnvelopeSplitter {
  private rest: Buffer = Buffer.alloc(0);

  /** The envelopes that are whole with `chunk`. */
  push(chunk: Uint8Array): SplitEnvelope[] {
    const found: SplitEnvelope[] = [];
    let all = Buffer.concat([this.rest, chunk]);
    while (all.length >= 5 && all.length >= 5 + all.readUInt32BE(1)) {
      const end = 5 + all.readUInt32BE(1);
      found.push({ flags: all[0]!, bytes: all.subarray(5, end) });
      all = all.subarray(end);
    }
    this.rest = all;
    return found;
  }
}

/** The lines `name: value` of a trailers frame, or of a frame of header fields. */
export function fieldsOfLines(text: string): Record<string, string> {
  const fields: Record<string, string> = {};
  for (const line of text.split("\r\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) fields[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
  }
  return fields;
}
