/**
 * Comments of a file by the path of what they stand at (`google.protobuf.SourceCodeInfo`).
 *
 * Read when the first comment is asked for: comments are most of a set's bytes, and only documentation wants them.
 */
import type { FileDescriptor } from "./file-descriptor.ts";
import { ProtoReader } from "./proto-reader.ts";

export class Comments {
  private source: Uint8Array | undefined;
  private byPath: Map<string, string> | undefined;

  constructor(file: FileDescriptor) {
    this.source = file.sourceInfo;
  }

  /** The leading comment, or else the trailing one. `path` as in SourceCodeInfo.Location, joined by commas: "4,0,2,1". */
  at(path: string): string | undefined {
    return (this.byPath ??= this.read()).get(path);
  }

  private read(): Map<string, string> {
    const byPath = new Map<string, string>();
    if (this.source === undefined) return byPath;
    const reader = new ProtoReader(this.source);
    this.source = undefined;
    while (reader.next()) {
      if (reader.field === 1) readLocation(reader.message(), byPath);
      else reader.skip();
    }
    return byPath;
  }
}

function readLocation(reader: ProtoReader, byPath: Map<string, string>): void {
  const path: number[] = [];
  let leading = "";
  let trailing = "";
  while (reader.next()) {
    if (reader.field === 1) reader.int32s(path);
    else if (reader.field === 3) leading = reader.string();
    else if (reader.field === 4) trailing = reader.string();
    else reader.skip();
  }
  const text = tidy(leading) || tidy(trailing);
  if (text === "") return;
  const key = path.join(",");
  if (!byPath.has(key)) byPath.set(key, text);
}

/** Without the space after each comment marker. */
function tidy(comment: string): string {
  return comment.replace(/^ /gm, "").trim();
}
