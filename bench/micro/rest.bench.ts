/** REST streams: finding the messages of a request body, and what the alternative (JSON.parse of each line) would cost. */
import type { Bench } from "tinybench";
import { JsonSplitter } from "../../src/protocols/rest/json-splitter.ts";

const count = 640;
const message = '{"author":"ann","text":"a text of about hundred bytes, with \\"quotes\\" and more","number":"12345"}';
const array = Buffer.from(`[${Array.from({ length: count }, () => message).join(",")}]`);
const lines = Buffer.from(`${message}\n`.repeat(count));

function split(body: Buffer, form: "any" | "values"): number {
  const splitter = new JsonSplitter({ limitBytes: 1 << 20, maxDepth: 100, form });
  let taken = 0;
  splitter.push(body);
  while (splitter.take() !== undefined) taken++;
  return taken;
}

export default function (bench: Bench): void {
  bench.add(`splitter: ${count} messages of 100 bytes, array`, () => void split(array, "any"));
  bench.add(`splitter: ${count} messages of 100 bytes, lines`, () => void split(lines, "values"));
  bench.add(`lines cut by indexOf, not looked into: ${count} messages`, () => {
    for (let at = 0, end = lines.indexOf(10); end >= 0; at = end + 1, end = lines.indexOf(10, at)) lines.subarray(at, end);
  });
  bench.add(`lines parsed by JSON.parse: ${count} messages`, () => {
    for (const line of lines.toString().split("\n")) if (line !== "") JSON.parse(line);
  });
}
