/** What came back: status, times, headers, and the body or the messages of a stream. */
import { h, jsonText } from "./dom.ts";
import type { StreamRecord } from "./records.ts";

/** Earlier messages of a long stream make room for later ones. */
const mostRecords = 500;
/** A message below this many characters is shown as it came. */
const longestLine = 200;
const longestText = 1024 * 1024;

export class ResultView {
  readonly element = h("div", { class: "result" });
  private readonly line = h("p", { class: "status", role: "status" });
  private readonly facts = h("div", {});
  private readonly content = h("div", {});
  private records: HTMLOListElement | undefined;
  private count = 0;
  private statusText = "";
  /** The request as a line for the shell. */
  curl = "";

  begin(httpMethod: string, url: string): void {
    this.records = undefined;
    this.count = 0;
    this.element.replaceChildren(this.line, h("p", { class: "sent" }, `${httpMethod} ${url}`), this.facts, this.content);
    this.facts.replaceChildren();
    this.content.replaceChildren();
    this.say("waiting", "Waiting for an answer");
  }

  refuse(words: string): void {
    this.element.replaceChildren(this.line);
    this.say("bad", words);
  }

  head(response: Response, afterMs: number): void {
    this.statusText = `${response.status} ${response.statusText}`.trim();
    this.say(response.ok ? "good" : "bad", this.statusText, `first byte after ${ms(afterMs)}`);
    const rows = [...response.headers].map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value)));
    this.facts.replaceChildren(
      h("details", {}, h("summary", {}, `${rows.length} headers`), h("dl", { class: "headers" }, ...rows)),
      h("details", {}, h("summary", {}, "As curl"), h("pre", { class: "curl", tabindex: "0" }, this.curl)),
    );
    this.element.dataset["ok"] = String(response.ok);
  }

  /** A message of a stream. */
  record({ text, failed }: StreamRecord, afterMs: number): void {
    if (this.records === undefined) {
      this.records = h("ol", { class: "records" });
      this.content.replaceChildren(this.records);
    }
    this.count++;
    if (failed) this.element.dataset["ok"] = "false";
    const { records } = this;
    const nearEnd = records.scrollHeight - records.scrollTop - records.clientHeight < 40;
    records.append(
      h(
        "li",
        { class: failed ? "failed" : undefined },
        h("span", { class: "at" }, `+${ms(afterMs)}`),
        h("pre", {}, jsonText(text, longestLine)),
      ),
    );
    if (records.childElementCount > mostRecords) records.firstElementChild!.remove();
    if (nearEnd) records.scrollTop = records.scrollHeight;
    this.say(failed ? "bad" : "good", this.statusText, `${messages(this.count)}, streaming`);
  }

  /** The whole body. */
  async body(bytes: Blob): Promise<void> {
    if (bytes.size === 0) this.content.replaceChildren(h("p", { class: "quiet" }, "No body."));
    else if (isText(bytes.type))
      this.content.replaceChildren(h("pre", { class: "answer", tabindex: "0" }, jsonText(await shortText(bytes))));
    else {
      const href = URL.createObjectURL(bytes);
      const save = h("a", { href, download: "answer" }, "Save it");
      this.content.replaceChildren(h("p", {}, `${bytes.type || "Bytes"}, ${size(bytes.size)}. `, save));
    }
  }

  end(afterMs: number, bytes: number): void {
    const isGood = this.element.dataset["ok"] === "true";
    const parts = [this.records === undefined ? undefined : messages(this.count), ms(afterMs), size(bytes)];
    this.say(isGood ? "good" : "bad", this.statusText, parts.filter((part) => part !== undefined).join(", "));
  }

  stopped(afterMs: number): void {
    const came = this.count > 0 ? `${messages(this.count)}, ` : "";
    this.say("stopped", "Stopped", `${came}${ms(afterMs)}`);
  }

  failed(words: string): void {
    this.say("bad", "No answer", words);
  }

  private say(kind: string, words: string, more = ""): void {
    this.line.className = `status ${kind}`;
    this.line.replaceChildren(h("strong", {}, words), more === "" ? "" : ` ${more}`);
  }
}

function isText(type: string): boolean {
  return type === "" || /^text\/|[/+](json|xml|yaml|javascript|x-ndjson|x-www-form-urlencoded)\b/.test(type);
}

async function shortText(bytes: Blob): Promise<string> {
  if (bytes.size <= longestText) return bytes.text();
  return `${await bytes.slice(0, longestText).text()}\n... ${size(bytes.size)} in all`;
}

function messages(count: number): string {
  return count === 1 ? "1 message" : `${count} messages`;
}

function ms(value: number): string {
  return value < 1000 ? `${Math.round(value)} ms` : `${(value / 1000).toFixed(1)} s`;
}

function size(bytes: number): string {
  return bytes < 1024
    ? `${bytes} bytes`
    : bytes < 1024 * 1024
      ? `${(bytes / 1024).toFixed(1)} KiB`
      : `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}
