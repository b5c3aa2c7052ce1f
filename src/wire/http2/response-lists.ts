/** The header lists every answer begins with, one object per value, so that the encoder finds them by identity. */
const statusLists: (readonly string[] | undefined)[] = [];
/** Most bodies are small, and their lengths come again. */
const keptLengths = 2048;
const lengthLists: (readonly string[] | undefined)[] = [];

export function statusList(status: number): readonly string[] {
  return (statusLists[status] ??= Object.freeze([":status", String(status)]));
}

export function lengthList(sizeBytes: number): readonly string[] {
  if (sizeBytes >= keptLengths) return ["content-length", String(sizeBytes)];
  return (lengthLists[sizeBytes] ??= Object.freeze(["content-length", String(sizeBytes)]));
}
