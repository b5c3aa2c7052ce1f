/**
 * The two shapes of function the codec is made of, compiled or not.
 */
import type { Buffer } from "node:buffer";

/** Reads the JSON value at `p` of `m`, writes a message's body at `w` and returns its end; `reg.at` is then behind the value. */
export type Reader = (m: Buffer, p: number, w: number) => number;

/** Prints the message body of [p, e) as JSON at `w` and returns its end. `reg.memory` may be another afterwards. */
export type Printer = (m: Buffer, p: number, e: number, w: number) => number;

/** How to read and print one message type. Its functions are replaced once, by what the first call compiles. */
export interface Link {
  read: Reader;
  print: Printer;
}
