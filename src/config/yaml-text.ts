/**
 * YAML with the position of every key and value, for messages that point at them.
 *
 * The trap: an unknown key has a position only in its map's pairs, because it has no place in the schema; so keys and values are looked up apart.
 */
import { isMap, isNode, isPair, isScalar, isSeq, LineCounter, parseDocument, type Document } from "yaml";
import { ConfigError } from "./config-error.ts";
import type { Path } from "./explain-issue.ts";

export interface ConfigText {
  readonly value: unknown;
  /** "line:column" of the value at `path`, or of its key; of the nearest thing around it where it is not in the text. */
  position(path: Path, atKey: boolean): string;
}

/** @throws ConfigError where it is not YAML */
export function readYaml(text: string, file: string): ConfigText {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const faults = [...document.errors, ...document.warnings];
  if (faults.length > 0) {
    throw new ConfigError(
      faults.map(({ pos, message }) => {
        const { line, col } = lines.linePos(pos[0]);
        return `${file}:${line}:${col} ${message.split("\n")[0]!.replace(/:$/, "")}`;
      }),
    );
  }
  let value: unknown;
  try {
    value = document.toJS() as unknown;
  } catch (error) {
    // Aliases that multiply: the parser counts them and stops.
    throw new ConfigError([`${file}:1:1 ${(error as Error).message}`]);
  }
  return {
    value,
    position(path, atKey) {
      const { line, col } = lines.linePos(offsetOf(document, path, atKey));
      return `${line}:${col}`;
    },
  };
}

function offsetOf(document: Document, path: Path, atKey: boolean): number {
  let node: unknown = document.contents;
  let offset = isNode(node) ? (node.range?.[0] ?? 0) : 0;
  for (const [depth, key] of path.entries()) {
    const last = depth === path.length - 1;
    if (isMap(node)) {
      const pair = node.items.find((item) => isPair(item) && isScalar(item.key) && String(item.key.value) === String(key));
      if (pair === undefined) return offset;
      const keyAt = isNode(pair.key) ? (pair.key.range?.[0] ?? offset) : offset;
      const value: unknown = pair.value;
      if (last && atKey) return keyAt;
      // A value that is a block begins on a later line than its key; the key is what one looks for, unless the value is on its own.
      offset = isScalar(value) && value.range ? value.range[0] : keyAt;
      node = value;
    } else if (isSeq(node)) {
      const item = node.items[Number(key)];
      if (!isNode(item)) return offset;
      offset = item.range?.[0] ?? offset;
      node = item;
    } else return offset;
  }
  return offset;
}
