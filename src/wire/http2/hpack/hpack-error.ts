/**
 * What is wrong with a header block. For the connection it is fatal: COMPRESSION_ERROR (RFC 9113, section 4.3), because after a block
 * that was not decoded to its end the two tables no longer agree.
 */
export type HpackFault =
  | "TRUNCATED" // the block ends inside a field
  | "INTEGER_OVERFLOW" // an integer no legal index or length needs
  | "BAD_INDEX" // index 0, or beyond the end of the table
  | "BAD_HUFFMAN" // EOS inside a string, or padding that is too long or not all ones
  | "BAD_TABLE_SIZE" // a size update above our setting
  | "LATE_TABLE_SIZE" // a size update after the first field of a block
  | "WIDE_CHARACTER"; // encoding only: a character that is no byte

export class HpackError extends Error {
  override readonly name = "HpackError";
  readonly fault: HpackFault;

  constructor(fault: HpackFault, message: string) {
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super(message);
    Error.stackTraceLimit = stackTraceLimit;
    this.fault = fault;
  }
}
