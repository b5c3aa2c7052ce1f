/**
 * What frames mean: a dialect reads the client's and writes ours. One for each subprotocol; each says in its head what its frames look like.
 *
 * The trap: a dialect knows nothing of time or order. Whether a frame may come now is the session's to say.
 */
import type { Metadata } from "../../core/metadata.ts";
import type { Payload } from "../../core/payload.ts";
import type { Status } from "../../core/status.ts";

/** Who is told what a frame said. */
export interface FrameReader {
  /** @throws CallError for a name or value that cannot be metadata */
  onMetadata(name: string, value: string): void;
  /** The client's metadata is complete: also where there was none in the frame. */
  onMetadataEnd(): void;
  onMessage(payload: Payload, sizeBytes: number): void;
  /** The client will send no more messages. */
  onHalfClose(): void;
  onCancel(): void;
  /** So many more messages may be sent; unlimited until it is said for the first time. */
  onWindow(messages: number): void;
}

/** Where frames go. `send` copies or writes before it returns. */
export interface FrameWriter {
  send(data: Uint8Array, binary: boolean, compressible: boolean): void;
}

export interface Dialect {
  /** The call begins with the first frame, because it may bring metadata; else with the connection. */
  readonly beginsWithFrame: boolean;
  /** What a client means that half-closes without a message where the method takes exactly one; undefined: it forgot it. */
  emptyMessage(): Payload | undefined;
  /** @throws CallError for a frame that cannot be understood */
  read(data: Buffer, binary: boolean, reader: FrameReader): void;
  writeHead(metadata: Metadata, writer: FrameWriter): void;
  /** @returns its size in bytes. @throws CodecError */
  writeMessage(payload: Payload, writer: FrameWriter): number;
  /** The last of our frames. @returns the close code that goes with it */
  writeEnd(status: Status, writer: FrameWriter): number;
}
