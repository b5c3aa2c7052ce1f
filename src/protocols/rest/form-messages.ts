/**
 * A client stream out of a `multipart/form-data` body: the fields before a file are one message, and each piece of the file is one.
 *
 * The trap: a form may carry what no memory holds. A file's data goes on piece by piece, as it arrives; everything else is kept until its
 * message is whole, and counted. Files that nothing stands between would run into one another, so they are refused.
 */
import { CallError } from "../../core/call-error.ts";
import type { Payload } from "../../core/payload.ts";
import type { FormPart } from "../../schema/binding/form-part.ts";
import type { RouteMatch } from "../../schema/method-table.ts";
import type { BodyReader } from "../../wire/exchange.ts";
import { tooLarge } from "../shared/envelope.ts";
import { BodyMessages, pieceBytes } from "./body-messages.ts";
import { boundaryOf, MultipartParser, type PartHead } from "./multipart.ts";

export class FormMessages extends BodyMessages {
  private readonly parser: MultipartParser;
  private readonly limitBytes: number;
  /** Of what arrived so far; a chunk holds no more than fit into it. */
  private readonly ready: Payload[] = [];
  /** Parts of the next message. */
  private fields: FormPart[] = [];
  private fieldBytes = 0;
  private head: PartHead | undefined;
  private chunks: Uint8Array[] = [];
  /** The part is a file that goes on in pieces: how many there were. */
  private pieces: number | undefined;
  private afterFile = false;

  /** @throws CallError UNSUPPORTED_MEDIA_TYPE */
  constructor(body: BodyReader, route: RouteMatch, contentType: string, limitBytes: number) {
    super(body, route);
    this.limitBytes = limitBytes;
    this.parser = new MultipartParser(boundaryOf(contentType), {
      begin: (head) => this.begin(head),
      data: (bytes) => this.data(bytes),
      end: () => this.endPart(),
    });
  }

  protected accept(chunk: Uint8Array | undefined): void {
    if (chunk !== undefined) return this.parser.push(chunk);
    this.parser.end();
    this.flush();
  }

  protected take(): Payload | undefined {
    return this.ready.shift();
  }

  private begin(head: PartHead): void {
    this.head = head;
    this.chunks = [];
    this.pieces = this.route.binder.takesPieces(head) ? 0 : undefined;
    if (this.pieces === undefined) return;
    if (this.afterFile && this.fields.length === 0) {
      const description = "it follows another file, and no field stands between them";
      const message = `part ${JSON.stringify(head.name)} of the form cannot be streamed: ${description}`;
      throw new CallError("BAD_REQUEST", message, { source: "caller", violations: [{ field: head.name, description }] });
    }
    this.flush();
  }

  private data(bytes: Uint8Array): void {
    if (this.pieces === undefined) {
      this.fieldBytes += bytes.length;
      if (this.fieldBytes > this.limitBytes) throw tooLarge(this.fieldBytes, this.limitBytes, "caller");
      // A copy: the bytes are a view of what the next chunk replaces.
      this.chunks.push(Buffer.from(bytes));
      return;
    }
    for (let at = 0; at < bytes.length; at += pieceBytes) this.piece(bytes.subarray(at, at + pieceBytes));
  }

  private endPart(): void {
    if (this.pieces === undefined) {
      this.fields.push({ ...this.head!, data: this.chunks.length === 1 ? this.chunks[0]! : Buffer.concat(this.chunks) });
      return;
    }
    // An empty file is one empty piece, or nothing of it would arrive.
    if (this.pieces === 0) this.piece(new Uint8Array(0));
    this.afterFile = true;
  }

  private piece(data: Uint8Array): void {
    this.pieces!++;
    this.ready.push(this.route.binder.bindParts(this.route, [{ ...this.head!, data }]));
  }

  /** The fields so far are a message. */
  private flush(): void {
    if (this.fields.length === 0) return;
    this.ready.push(this.route.binder.bindParts(this.route, this.fields));
    this.fields = [];
    this.fieldBytes = 0;
  }
}
