/**
 * Counts the memory that is taken outside V8's heap while bytes stream through, so that somebody can see to its return.
 *
 * The trap: V8 collects when its own heap fills, and a buffer of 64 KB weighs a hundred bytes there. Left alone, a stream leaves 30 to 60 MB of
 * dead buffers behind before anybody looks. Small buffers come out of Node's pool and are not counted.
 */

/** Smaller ones share a pool. */
const countedFromBytes = 4096;

let takenBytes = 0;
let limitBytes = Infinity;
let relieve: () => void = () => undefined;

/** To be told of each buffer that is made for streamed bytes. */
export function noteOutsideMemory(sizeBytes: number): void {
  if (sizeBytes < countedFromBytes) return;
  takenBytes += sizeBytes;
  if (takenBytes < limitBytes) return;
  takenBytes = 0;
  relieve();
}

/** @param callback called whenever so much has been taken; it must not collect at once, for bytes are being handed around */
export function onOutsideMemory(bytes: number, callback: () => void): void {
  takenBytes = 0;
  limitBytes = bytes;
  relieve = callback;
}
