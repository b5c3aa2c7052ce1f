/** Text from outside as a JSON string that is safe in a log: quoted, escaped, cut to a length. */
const plain = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;

/** `text` in quotes. Line separators and controls are escaped, so one line stays one line in every viewer. */
export function jsonText(text: string, longest = 256): string {
  const kept = text.length > longest ? `${text.slice(0, longest)}...` : text;
  if (plain.test(kept)) return `"${kept}"`;
  return JSON.stringify(kept).replace(/[\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e]/g, escaped);
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
