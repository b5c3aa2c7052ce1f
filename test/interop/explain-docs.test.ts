/** Every example of docs/explain.md: run as a process of its own, or asked of a running one, and compared with what the page shows. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { startTranscodingServer, transcodingDescriptors, type TranscodingServer } from "../support/transcoding-server.ts";
import { SidecarProcess } from "../support/sidecar-process.ts";

const page = readFileSync(join(import.meta.dirname, "../../docs/explain.md"), "utf8");
const main = join(import.meta.dirname, "../../src/cli/main.ts");
const yaml = /^```yaml\n([\s\S]*?)^```$/m.exec(page)![1]!;
const examples = [...page.matchAll(/^```sh\n(.*)\n```\n\n```(text|json)\n([\s\S]*?)^```$/gm)].map(([, command, form, shown]) => ({
  command: command!,
  form: form!,
  shown: shown!,
}));

/** The words of a command line as a shell reads them: bare, or in single quotes. */
function wordsOf(command: string): string[] {
  return [...command.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare!);
}

/** `shown` is `actual`, but that a line `...` stands for any lines. */
function assertShown(actual: string, shown: string): void {
  const escaped = shown
    .trimEnd()
    .split("\n")
    .map((line) => (line === "..." ? "[^]*" : line.replace(/[$()*+.?[\\\]^{|}]/g, "\\$&") + "\n"));
  assert.match(actual, new RegExp(`^${escaped.join("")}$`), actual);
}

function assertHolds(actual: unknown, shown: unknown, at = "$"): void {
  if (typeof shown !== "object" || shown === null) assert.equal(actual, shown, at);
  else for (const [key, value] of Object.entries(shown)) assertHolds((actual as Record<string, unknown>)[key], value, `${at}.${key}`);
}

describe("docs/explain.md", function () {
  this.timeout(60_000);
  let folder = "";
  let backend: TranscodingServer;
  let sidecar: SidecarProcess;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "dragoman-explain-"));
    writeFileSync(join(folder, "dragoman.yaml"), yaml);
    copyFileSync(transcodingDescriptors, join(folder, "transcoding.binpb"));
    backend = await startTranscodingServer();
    const upstream = `grpc://127.0.0.1:${backend.port}`;
    const anywhere = ["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"];
    sidecar = new SidecarProcess(["run", "--upstream", upstream, "--config", join(folder, "dragoman.yaml"), ...anywhere]);
  });
  after(async () => {
    await sidecar.kill();
    await backend.stop();
    rmSync(folder, { recursive: true });
  });

  async function answerTo(command: string): Promise<string> {
    const [program, ...words] = wordsOf(command);
    if (program === "curl") return ask(words);
    assert.equal(program, "dragoman");
    const { stdout } = await promisify(execFile)(process.execPath, [main, ...words], { cwd: folder, timeout: 30_000 });
    return stdout;
  }

  /** What curl does with the flags that the page uses. */
  async function ask(words: readonly string[]): Promise<string> {
    const { admin } = await sidecar.listeners();
    const query = new URLSearchParams(
      words.filter((_, at) => words[at - 1] === "--data-urlencode").map((pair) => pair.split(/=(.*)/s).slice(0, 2) as [string, string]),
    );
    const headers = words.filter((_, at) => words[at - 1] === "-H").map((field) => field.split(": ") as [string, string]);
    const response = await fetch(`http://${admin}/explain?${query.toString()}`, { headers: [...headers, ["connection", "close"]] });
    return response.text();
  }

  for (const { command, form, shown } of examples)
    it(command, async () => {
      const actual = await answerTo(command);
      assert.ok(!actual.includes("sesame"));
      if (form === "text") assertShown(actual, shown);
      else assertHolds(JSON.parse(actual), JSON.parse(shown));
    });

  it("has examples", () => assert.ok(examples.length >= 9));
});
