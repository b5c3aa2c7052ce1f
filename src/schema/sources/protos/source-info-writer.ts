/** Collects comments as a google.protobuf.SourceCodeInfo; spans are zero, because only the comments are known here. */
import { ProtoWriter } from "../../files/proto-writer.ts";

export class SourceInfoWriter {
  private readonly writer = new ProtoWriter();
  size = 0;

  /** @param path as in SourceCodeInfo.Location, joined by commas */
  add(path: string, comment: string | null | undefined): void {
    if (comment === null || comment === undefined || comment === "") return;
    const location = new ProtoWriter();
    const numbers = new ProtoWriter();
    for (const number of path.split(",")) numbers.bareInt(Number(number));
    location.message(1, numbers).bytes(2, Uint8Array.of(0, 0, 0));
    location.string(3, comment.replace(/^/gm, " ") + "\n");
    this.writer.message(1, location);
    this.size++;
  }

  finish(): ProtoWriter {
    return this.writer;
  }
}
