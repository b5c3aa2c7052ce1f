/**
 * Runs a fuzz target for a bounded time: first over the corpus, then over mutations of it.
 *
 *   DRAGOMAN_FUZZ_SEED=123 DRAGOMAN_FUZZ_MS=60000 mocha test/fuzz/hpack.test.ts
 *
 * The seed is printed; the failing input is in the error, in hex, ready to become a file of the corpus.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { mutate, Random } from "./mutate.ts";

export interface FuzzTarget {
  /** Folder of test/fuzz/corpus. */
  readonly name: string;
  /** Throws when something is wrong. */
  run(input: Buffer, random: Random): void | Promise<void>;
  /** Byte strings that mean something to the parser. */
  readonly words?: readonly Buffer[];
  /** In place of plain mutation, or in turn with it. */
  mutate?(input: Buffer, random: Random): Buffer;
  readonly budgetMs?: number;
}

const seed = Number(process.env["DRAGOMAN_FUZZ_SEED"] ?? Date.now() % 1_000_000_000);
const defaultBudgetMs = Number(process.env["DRAGOMAN_FUZZ_MS"] ?? 2000);
/** What was interesting enough to go on from: bounded, or long runs would hold everything. */
const maxPool = 256;
const longestInputBytes = 20_000;

/** Inputs of a folder: `.hex` files hold hex digits, white space and comments from "#", `.txt` files hold bytes as they are. */
export function readCorpus(name: string): Map<string, Buffer> {
  const folder = join(import.meta.dirname, "corpus", name);
  const inputs = new Map<string, Buffer>();
  for (const file of readdirSync(folder).sort()) {
    const bytes = readFileSync(join(folder, file));
    inputs.set(file, file.endsWith(".hex") ? Buffer.from(bytes.toString().replace(/#.*|\s/g, ""), "hex") : bytes);
  }
  return inputs;
}

export async function fuzz(target: FuzzTarget): Promise<void> {
  const corpus = readCorpus(target.name);
  const random = new Random(seed);
  for (const [file, input] of corpus) await attempt(target, input, new Random(seed), `corpus file ${file}`);
  const pool = [...corpus.values()];
  const endAtMs = performance.now() + (target.budgetMs ?? defaultBudgetMs);
  let runs = 0;
  for (; performance.now() < endAtMs; runs++) {
    const from = random.pick(pool);
    const input = target.mutate !== undefined && random.chance(2) ? target.mutate(from, random) : mutate(from, random, pool, target.words);
    if (input.length > longestInputBytes) continue;
    const runSeed = random.bits();
    await attempt(target, input, new Random(runSeed), `seed ${seed}, run ${runs}`);
    if (random.chance(8)) pool[pool.length < maxPool ? pool.length : corpus.size + random.below(maxPool - corpus.size)] = input;
  }
  console.log(`      seed ${seed}: ${runs} inputs`);
}

async function attempt(target: FuzzTarget, input: Buffer, random: Random, which: string): Promise<void> {
  const before = performance.now();
  try {
    await target.run(Buffer.from(input), random);
  } catch (failure) {
    throw new Error(`${target.name}, ${which}: ${String(failure)}\ninput: ${input.toString("hex")}`, { cause: failure });
  }
  const tookMs = performance.now() - before;
  if (tookMs > 2000) throw new Error(`${target.name}, ${which}: took ${tookMs} ms\ninput: ${input.toString("hex")}`);
}
