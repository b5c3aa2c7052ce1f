/**
 * Which names and values HTTP/2 fields may have (RFC 9113, section 8.2.1), stricter where HTTP/1.1 is, since heads are passed on to it:
 * names are tokens without upper case (RFC 9110, section 5.1), values hold no control characters but the tab.
 */
const nameCharacters = new Uint8Array(256);
for (const character of "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz") nameCharacters[character.charCodeAt(0)] = 1;
const methodCharacters = nameCharacters.slice();
for (const character of "ABCDEFGHIJKLMNOPQRSTUVWXYZ") methodCharacters[character.charCodeAt(0)] = 1;

function madeOf(text: string, characters: Uint8Array): boolean {
  for (let i = 0; i < text.length; i++) if (characters[text.charCodeAt(i)] !== 1) return false;
  return text.length > 0;
}

export function isFieldName(name: string): boolean {
  return madeOf(name, nameCharacters);
}

export function isMethod(method: string): boolean {
  return madeOf(method, methodCharacters);
}

const tab = 0x09;
const space = 0x20;
const deleted = 0x7f;

export function isFieldValue(value: string): boolean {
  const { length } = value;
  if (length === 0) return true;
  const first = value.charCodeAt(0);
  const last = value.charCodeAt(length - 1);
  if (first === space || first === tab || last === space || last === tab) return false;
  for (let i = 0; i < length; i++) {
    const character = value.charCodeAt(i);
    if (character < space ? character !== tab : character === deleted) return false;
  }
  return true;
}

/** Visible ASCII without "#": paths, authorities. White space in them splits request lines, fragments are never sent. */
export function isTarget(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const character = text.charCodeAt(i);
    if (character <= space || character >= deleted || character === 0x23) return false;
  }
  return text.length > 0;
}

const fieldsOfTheConnection = new Set(["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"]);

/** Fields that have no meaning in HTTP/2 and make a message malformed (section 8.2.2). */
export function isConnectionField(name: string): boolean {
  return fieldsOfTheConnection.has(name);
}

/** @returns -1 when `value` is no legal content-length (RFC 9110, section 8.6). */
export function parseContentLength(value: string): number {
  if (value.length === 0 || value.length > 15) return -1;
  let length = 0;
  for (let i = 0; i < value.length; i++) {
    const digit = value.charCodeAt(i) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    length = length * 10 + digit;
  }
  return length;
}

/** Names and values of trailers: no pseudo fields, nothing of the connection (section 8.1). */
export function areTrailers(fields: readonly string[]): boolean {
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i]!;
    if (!isFieldName(name) || !isFieldValue(fields[i + 1]!) || isConnectionField(name)) return false;
  }
  return true;
}
