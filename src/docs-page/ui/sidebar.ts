/** The list of services and methods, narrowed down by words. */
import { badge, h } from "./dom.ts";
import { matches, type Service } from "./model.ts";

export function showMethods(list: HTMLElement, services: readonly Service[], words: string, current: string): void {
  const found = services
    .map((service) => ({ ...service, methods: service.methods.filter((method) => words.trim() === "" || matches(method, words.trim())) }))
    .filter(({ methods }) => methods.length > 0);
  const groups = found.map(({ name, methods }) =>
    h(
      "section",
      {},
      h("h2", { title: name }, shortName(name), h("span", {}, packageOf(name))),
      h(
        "ul",
        {},
        ...methods.map((method) =>
          h(
            "li",
            {},
            h(
              "a",
              {
                href: `#/${method.id}`,
                "aria-current": method.id === current && "page",
                class: method.deprecated ? "deprecated" : undefined,
              },
              badge(method.operations[0]!.httpMethod),
              h("span", {}, method.name),
            ),
          ),
        ),
      ),
    ),
  );
  const none = h("p", { class: "quiet" }, services.length === 0 ? "No methods." : "Nothing has all these words.");
  list.replaceChildren(...(groups.length > 0 ? groups : [none]));
}

function shortName(name: string): string {
  return name.slice(name.lastIndexOf(".") + 1);
}

function packageOf(name: string): string {
  return name.includes(".") ? name.slice(0, name.lastIndexOf(".")) : "";
}
