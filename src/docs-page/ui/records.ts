/**
 * A streamed answer as it arrives -> its messages: lines, server-sent events, or the elements of a JSON array.
 *
 * The trap: a chunk may end anywhere, inside a string or an escape; what is not whole waits, up to a limit.
 */
export interface StreamRecord {
  /** JSON text, as it came. */
  readonly text: string;
  /** The record that says that the stream failed. */
  readonly failed: boolean;
}

export interface RecordReader {
  /** @returns the records that are whole now */
  push(text: string): StreamRecord[];
}

/** A message that does not end is cut off here. */
const longestRecord = 8 * 1024 * 1024;

/** Undefined for a content type that is not a stream of messages. */
export function recordReader(contentType: string): RecordReader | undefined {
  switch (contentType.replace(/\s*;.*$/s, "").toLowerCase()) {
    case "application/x-ndjson":
    case "application/jsonl":
      return new LineReader();
    case "text/event-stream":
      return new EventReader();
    case "application/json":
      return new ArrayReader();
    default:
      return undefined;
  }
}

class LineReader implements RecordReader {
  private rest = "";

  push(text: string): StreamRecord[] {
    const lines = (this.rest + text).split("\n");
    this.rest = lines.pop()!.slice(0, longestRecord);
    return lines.filter((line) => line.trim() !== "").map(recordOf);
  }
}

/** WHATWG HTML, "Server-sent events", as far as a proxy of ours writes them. */
class EventReader implements RecordReader {
  private rest = "";

  push(text: string): StreamRecord[] {
    const events = (this.rest + text).split("\n\n");
    this.rest = events.pop()!.slice(0, longestRecord);
    return events.flatMap((event) => {
      const lines = event.split("\n");
      const data = lines.filter((line) => line.startsWith("data:")).map((line) => line.slice(5).replace(/^ /, ""));
      if (data.length === 0) return [];
      return [{ text: data.join("\n"), failed: lines.includes("event: error") }];
    });
  }
}

class ArrayReader implements RecordReader {
  private rest = "";
  /** How far `rest` has been looked at. */
  private at = 0;
  private depth = 0;
  private inString = false;
  private begin = 0;

  push(text: string): StreamRecord[] {
    this.rest += text;
    const records: StreamRecord[] = [];
    for (; this.at < this.rest.length; this.at++) {
      const char = this.rest[this.at]!;
      if (this.inString) {
        // The character behind a backslash may be a chunk away: then the backslash is looked at again.
        if (char === "\\" && this.at + 1 === this.rest.length) break;
        if (char === "\\") this.at++;
        else if (char === '"') this.inString = false;
      } else if (char === '"') this.inString = true;
      else if (char === "[" || char === "{") {
        if (++this.depth === 1) this.begin = this.at + 1;
      } else if (char === "]" || char === "}") {
        if (--this.depth === 0) this.cut(records);
      } else if (char === "," && this.depth === 1) this.cut(records);
    }
    this.drop();
    return records;
  }

  /** What lies between the last comma and this one is an element. */
  private cut(records: StreamRecord[]): void {
    const text = this.rest.slice(this.begin, this.at).trim();
    if (text !== "") records.push(recordOf(text));
    this.begin = this.at + 1;
  }

  private drop(): void {
    if (this.rest.length - this.begin > longestRecord) this.begin = this.at;
    this.rest = this.rest.slice(this.begin);
    this.at -= this.begin;
    this.begin = 0;
  }
}

function recordOf(text: string): StreamRecord {
  return { text, failed: text.startsWith('{"error":{"code":') };
}
