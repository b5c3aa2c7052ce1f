/**
 * The issuers' keys of the process, by address: a reload finds the ones it had.
 *
 * What opens a source is handed in, because that weighs some megabytes which a process without tokens does not need.
 */
import { BoundedMap } from "../core/bounded-map.ts";
import type { KeySource } from "./key-source.ts";

const maxSources = 64;

export class KeySources {
  private readonly sources = new BoundedMap<string, KeySource>(maxSources);

  at(url: string, open: () => KeySource): KeySource {
    let source = this.sources.get(url);
    if (source === undefined) this.sources.set(url, (source = open()));
    return source;
  }
}
