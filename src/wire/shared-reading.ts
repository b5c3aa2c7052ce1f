/**
 * Reads sockets into one buffer of the thread instead of a fresh one per read: 0.9 us less per request (docs/decisions/0003-socket-reading.md).
 *
 * Node documents this (`onread`) for sockets made by `net.connect` only. An accepted socket has the same two fields, found here by what a
 * probe socket stores in them, and the same method on its handle. The trap: when a Node without them comes, nothing breaks but the saving:
 * {@link readShared} says no and the caller listens to "data".
 */
import { Buffer } from "node:buffer";
import { Socket, type OnReadOpts } from "node:net";

const readBufferSizeBytes = 64 * 1024;
const poison = 0xdb;

/** One for all sockets of the thread: what is in it is valid inside the callback only, and callbacks do not nest. */
const sharedReadBuffer = Buffer.allocUnsafeSlow(readBufferSizeBytes);
let poisoning = process.env["DRAGOMAN_POISON_READS"] === "1";

/** For tests: what was read is overwritten as soon as the callback is back, so that a kept view shows. */
export function poisonReads(on: boolean): void {
  poisoning = on;
}

/** To be called behind every callback that was shown `bytes`. */
export function spoil(bytes: Uint8Array): void {
  if (poisoning) bytes.fill(poison);
}

/** Node's own option for sockets we connect. */
export function onreadOption(onBytes: (bytes: Uint8Array) => void): OnReadOpts {
  return {
    buffer: sharedReadBuffer,
    callback: (length: number): boolean => {
      const bytes = sharedReadBuffer.subarray(0, length);
      onBytes(bytes);
      spoil(bytes);
      return true;
    },
  };
}

interface SocketFields {
  [field: symbol]: unknown;
  readonly _handle?: { useUserBuffer?(buffer: Uint8Array): void } | null;
}

/** Where a socket keeps its buffer and its callback; undefined where this Node does it otherwise. */
function findFields(): { readonly buffer: symbol; readonly callback: symbol } | undefined {
  const option = onreadOption(() => undefined);
  const probe = new Socket({ onread: option }) as unknown as SocketFields;
  const symbols = Object.getOwnPropertySymbols(probe);
  const buffer = symbols.find((symbol) => probe[symbol] === option.buffer);
  const callback = symbols.find((symbol) => probe[symbol] === option.callback);
  return buffer === undefined || callback === undefined ? undefined : { buffer, callback };
}

const fields = findFields();

/**
 * @param callback called as a method of the socket with the length of what was read; one function for all sockets, so that none costs a closure
 * @returns false when this socket cannot be read so. It must not have been read from before.
 */
export function readShared(socket: Socket, callback: (this: Socket, length: number) => boolean): boolean {
  const inside = socket as unknown as SocketFields;
  const handle = inside._handle;
  if (fields === undefined || typeof handle?.useUserBuffer !== "function" || !(fields.buffer in inside)) return false;
  inside[fields.buffer] = sharedReadBuffer;
  inside[fields.callback] = callback;
  handle.useUserBuffer(sharedReadBuffer);
  socket.resume();
  return true;
}

/** What the last read brought. */
export function sharedBytes(length: number): Uint8Array {
  return sharedReadBuffer.subarray(0, length);
}
