/**
 * Elements and text. The trap: comments of a schema and answers of a service are others' words, so they only ever become text nodes; there is
 * no `innerHTML` here, and the page's policy (`require-trusted-types-for`) forbids it.
 */
type Child = Node | string | undefined | false | readonly Child[];
type Attribute = string | boolean | undefined | ((event: Event) => void);

/** An element with attributes, `on...` listeners and children. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Readonly<Record<string, Attribute>> = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (typeof value === "string") element.setAttribute(name, value);
  }
  append(element, children);
  return element;
}

function append(element: Element, children: readonly Child[]): void {
  for (const child of children) {
    if (child === undefined || child === false) continue;
    if (typeof child === "string" || child instanceof Node) element.append(child);
    else append(element, child);
  }
}

/** Paragraphs, lists and `code` of a comment. */
export function prose(text: string): HTMLElement {
  const box = h("div", { class: "prose" });
  for (const block of text.split(/\n\s*\n/)) {
    const lines = block.split("\n").filter((line) => line.trim() !== "");
    const items = lines.filter((line) => /^\s*[-*] /.test(line));
    if (lines.length > 0 && items.length === lines.length)
      box.append(h("ul", {}, ...items.map((item) => h("li", {}, ...spans(item.replace(/^\s*[-*] /, ""))))));
    else if (lines.length > 0) box.append(h("p", {}, ...spans(lines.join("\n"))));
  }
  return box;
}

/** Words with `code` among them. */
export function spans(text: string): (HTMLElement | string)[] {
  return text.split(/`([^`\n]+)`/).map((part, i) => (i % 2 === 1 ? h("code", {}, part) : part));
}

/** A path with its variables set off. */
export function pathText(path: string): (HTMLElement | string)[] {
  return path.split(/(\{[^}]+\})/).map((part) => (part.startsWith("{") ? h("span", { class: "variable" }, part) : part));
}

export function badge(httpMethod: string): HTMLElement {
  return h("span", { class: `badge ${httpMethod.toLowerCase().replace(/[^a-z]/g, "")}` }, httpMethod);
}

/** Beyond this, colours cost more than they give. */
const mostColoured = 200_000;
const tokens = /("(?:[^"\\]|\\.)*")(\s*:)?|\b(true|false|null)\b|-?\b\d[\d.eE+-]*/g;

/** JSON, coloured, and indented unless it is short; other text as it is. */
export function jsonText(text: string, shortest = 0): DocumentFragment {
  const fragment = document.createDocumentFragment();
  let pretty = text;
  try {
    pretty = JSON.stringify(JSON.parse(text), undefined, 2);
  } catch {
    fragment.append(text); // not JSON, or not all of it
    return fragment;
  }
  // No string of JSON holds a line break, so these are all ours.
  if (text.length < shortest) pretty = pretty.replace(/\n\s*/g, " ");
  if (pretty.length > mostColoured) {
    fragment.append(pretty);
    return fragment;
  }
  let at = 0;
  for (const match of pretty.matchAll(tokens)) {
    const [token, string, colon, word] = match;
    fragment.append(pretty.slice(at, match.index));
    const kind = string === undefined ? (word === undefined ? "number" : "word") : colon === undefined ? "string" : "key";
    fragment.append(h("span", { class: kind }, string ?? token), colon ?? "");
    at = match.index + token.length;
  }
  fragment.append(pretty.slice(at));
  return fragment;
}
