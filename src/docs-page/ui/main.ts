/**
 * The page: loads the document, shows what the address names, and asks every few seconds whether there is a new document.
 *
 * The trap: a new document must not take away what somebody is typing. Forms are kept apart from what is shown, and focus returns.
 */
import { h } from "./dom.ts";
import { methodView, type MethodView } from "./method-view.ts";
import { servicesOf, type ApiDocument, type Service } from "./model.ts";
import { overview } from "./overview.ts";
import { showMethods } from "./sidebar.ts";

const askEveryMs = 3000;

const element = (id: string): HTMLElement => document.getElementById(id)!;
const content = element("content");
const search = element("search") as HTMLInputElement;
const live = element("live");
const menu = element("menu");

let api: ApiDocument | undefined;
let services: readonly Service[] = [];
let etag = "";
let view: MethodView | undefined;
/** The address chosen last of a method that has several. */
const chosen = new Map<string, string>();

function currentId(): string {
  return decodeURIComponent(location.hash.replace(/^#\//, ""));
}

function listMethods(): void {
  showMethods(element("methods"), services, search.value, currentId());
}

function show(): void {
  if (api === undefined) return;
  view?.leave();
  view = undefined;
  const id = currentId();
  const method = services.flatMap(({ methods }) => methods).find((each) => each.id === id);
  if (method !== undefined) {
    view = methodView(method, api, chosen);
    content.replaceChildren(view.element);
  } else if (id === "") content.replaceChildren(overview(services, api));
  else content.replaceChildren(h("h1", {}, "Not there"), h("p", {}, `The schema has no method ${id}.`));
  document.title = method === undefined ? api.info.title : `${method.name}, ${api.info.title}`;
  listMethods();
}

function adopt(next: ApiDocument): void {
  const isChange = api !== undefined;
  api = next;
  services = servicesOf(next);
  element("title").textContent = next.info.title;
  element("version").textContent = next.info.version;
  const focused = document.activeElement?.id ?? "";
  show();
  if (focused !== "") document.getElementById(focused)?.focus();
  if (isChange) say("live", "Updated just now");
}

function say(kind: string, words: string): void {
  if (live.textContent === words) return;
  live.className = `live ${kind}`;
  live.textContent = words;
}

/** One question; what has not changed comes back as 304. */
async function refresh(): Promise<void> {
  try {
    const response = await fetch("openapi.json", { cache: "no-store", headers: etag === "" ? {} : { "if-none-match": etag } });
    if (response.status === 304) return say("live", "Live");
    if (!response.ok) return say("waiting", response.status === 503 ? "The schema is not known yet" : `No document: ${response.status}`);
    etag = response.headers.get("etag") ?? "";
    const isFirst = api === undefined;
    adopt((await response.json()) as ApiDocument);
    if (isFirst) say("live", "Live");
  } catch {
    say("gone", "The proxy cannot be reached");
  }
}

async function follow(): Promise<void> {
  for (;;) {
    if (document.visibilityState === "visible") await refresh();
    await new Promise((resolve) => setTimeout(resolve, askEveryMs));
  }
}

function openMenu(open: boolean): void {
  menu.setAttribute("aria-expanded", String(open));
  document.body.classList.toggle("menu-open", open);
}

addEventListener("hashchange", () => {
  openMenu(false);
  show();
  content.scrollTop = 0;
  scrollTo(0, 0);
  content.focus({ preventScroll: true });
});
addEventListener("keydown", (event) => {
  const typing = event.target instanceof HTMLElement && /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName);
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    search.focus();
  } else if (event.key === "Escape") openMenu(false);
});
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") void refresh();
});
search.addEventListener("input", listMethods);
menu.addEventListener("click", () => openMenu(menu.getAttribute("aria-expanded") !== "true"));

void follow();
