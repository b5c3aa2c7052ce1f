/** What there is: every service with its methods, to begin with. */
import { badge, h, pathText, prose } from "./dom.ts";
import type { ApiDocument, Service } from "./model.ts";

export function overview(services: readonly Service[], { info }: ApiDocument): HTMLElement {
  return h(
    "article",
    { class: "overview" },
    h("h1", {}, info.title),
    ...services.map(({ name, description, methods }) =>
      h(
        "section",
        {},
        h("h2", {}, name),
        description !== "" && prose(description),
        h(
          "ul",
          { class: "cards" },
          ...methods.map(({ id, name: method, summary, operations: [first] }) =>
            h(
              "li",
              {},
              h(
                "a",
                { href: `#/${id}` },
                h("strong", {}, method),
                h("span", { class: "address" }, badge(first!.httpMethod), h("code", { class: "path" }, ...pathText(first!.path))),
                summary !== "" && h("span", { class: "summary" }, summary),
              ),
            ),
          ),
        ),
      ),
    ),
  );
}
