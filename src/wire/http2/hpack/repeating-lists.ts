/**
 * Tells lists that come again from lists made for one message: those handed to any encoder of the thread a short while ago.
 *
 * The trap it avoids: keeping every list an encoder has seen would keep every request's headers alive, per connection. Here a few are kept,
 * per thread; a list that really repeats is met again before long, even when it is one of a hundred.
 */
const rememberedCount = 16;
const remembered = new Array<readonly string[] | undefined>(rememberedCount).fill(undefined);
let next = 0;

/** Has this very list been seen lately? */
export function isRepeating(list: readonly string[]): boolean {
  for (let i = 0; i < rememberedCount; i++) if (remembered[i] === list) return true;
  remembered[next] = list;
  next = (next + 1) % rememberedCount;
  return false;
}
