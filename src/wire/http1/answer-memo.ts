/**
 * The heads of the last few responses of a server, to the byte: one that comes again is not parsed again, and its list is the same list, by which
 * whoever derived something from it finds that.
 *
 * Every byte is compared, so what is found is what llhttp made of these very bytes. The trap: only a head that is whole and stands where a
 * response begins may be looked up.
 */
import { Buffer } from "node:buffer";
import { sharedList } from "../shared-lists.ts";
import type { AnswerHead } from "./answer-head.ts";

/** Longer ones repeat rarely: they carry cookies and policies. */
const longestBytes = 2048;
const remembered = 4;

interface Entry {
  bytes: Buffer;
  sizeBytes: number;
  head: AnswerHead;
  /** Its list is the one that everybody has for it. */
  repeats: boolean;
}

export class AnswerMemo {
  /** Bytes of the head found last. */
  foundBytes = 0;
  private readonly entries: Entry[] = [];
  private next = 0;
  private last = 0;

  /** The head that stands at `at`; undefined when it is not one of these. */
  find(bytes: Buffer, at: number): AnswerHead | undefined {
    const { entries } = this;
    for (let i = 0, entry = this.last; i < entries.length; i++, entry = (entry + 1) % entries.length) {
      if (!stands(entries[entry]!, bytes, at)) continue;
      this.last = entry;
      return this.found(entries[entry]!);
    }
    return undefined;
  }

  /** Remembers `head`, which stands in `bytes` from `start` to `end`. */
  add(head: AnswerHead, bytes: Buffer, start: number, end: number): void {
    const sizeBytes = end - start;
    if (sizeBytes > longestBytes) return;
    const at = this.next;
    this.next = (at + 1) % remembered;
    let entry = this.entries[at];
    if (entry === undefined) this.entries.push((entry = { bytes: Buffer.allocUnsafeSlow(256), sizeBytes: 0, head, repeats: false }));
    if (entry.bytes.length < sizeBytes) entry.bytes = Buffer.allocUnsafeSlow(longestBytes);
    bytes.copy(entry.bytes, 0, start, end);
    entry.sizeBytes = sizeBytes;
    entry.head = head;
    entry.repeats = false;
  }

  private found(entry: Entry): AnswerHead {
    const { head, sizeBytes } = entry;
    this.foundBytes = sizeBytes;
    if (!entry.repeats) {
      entry.repeats = true;
      head.list = sharedList(Object.freeze(head.list));
    }
    return head;
  }
}

function stands({ bytes: known, sizeBytes }: Entry, bytes: Buffer, at: number): boolean {
  const end = at + sizeBytes;
  // Heads of another length mostly differ here, without a call.
  if (end > bytes.length || bytes[end - 1] !== 0x0a || bytes[end - 3] !== 0x0a) return false;
  return bytes.compare(known, 0, sizeBytes, at, end) === 0;
}
