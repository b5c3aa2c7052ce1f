/** Waits until `condition` holds; fails after `timeoutMs`, saying what was waited for. */
export async function until(condition: () => boolean, what: string, timeoutMs = 8000): Promise<void> {
  const endAtMs = performance.now() + timeoutMs;
  while (!condition()) {
    if (performance.now() > endAtMs) throw new Error(`waited ${timeoutMs} ms in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
