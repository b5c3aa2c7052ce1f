/** One method: what it is for, where it is reached, what goes in and what comes out; beside it the form to try it. */
import { badge, h, pathText, prose } from "./dom.ts";
import type { ApiDocument, Method, Operation, Parameter } from "./model.ts";
import { schemaView, typeTitle } from "./schema-view.ts";
import { tryItForm, type TryIt } from "./try-it.ts";

const streamWords = { client: "client stream", server: "server stream", both: "stream both ways" } as const;

export interface MethodView {
  readonly element: HTMLElement;
  /** Ends what is under way. */
  leave(): void;
}

/** @param chosen the address shown last, by operation id */
export function methodView(method: Method, document: ApiDocument, chosen: Map<string, string>): MethodView {
  const columns = h("div", { class: "columns" });
  let tryIt: TryIt | undefined;
  const show = (operation: Operation): void => {
    chosen.set(method.id, operation.operationId);
    tryIt?.stop();
    tryIt = tryItForm(operation, document);
    columns.replaceChildren(reference(operation, document), tryIt.element);
  };
  const first = method.operations.find(({ operationId }) => operationId === chosen.get(method.id)) ?? method.operations[0]!;
  show(first);
  const element = h(
    "article",
    { class: "method" },
    h("p", { class: "service" }, method.service),
    h(
      "h1",
      {},
      method.name,
      method.streaming !== undefined && h("span", { class: "chip" }, streamWords[method.streaming]),
      method.deprecated && h("span", { class: "chip warn" }, "deprecated"),
    ),
    method.description !== "" && prose(method.description),
    addresses(method, first, show),
    columns,
  );
  return { element, leave: () => tryIt?.stop() };
}

function addresses(method: Method, first: Operation, show: (operation: Operation) => void): HTMLElement {
  const line = (operation: Operation) => [badge(operation.httpMethod), h("code", { class: "path" }, ...pathText(operation.path))];
  if (method.operations.length === 1) return h("div", { class: "addresses" }, h("div", { class: "address" }, ...line(first)));
  const choices = method.operations.map((operation) =>
    h(
      "label",
      { class: "address" },
      h("input", { type: "radio", name: "address", checked: operation === first, onchange: () => show(operation) }),
      ...line(operation),
    ),
  );
  return h("fieldset", { class: "addresses" }, h("legend", { class: "hidden" }, "Address"), ...choices);
}

function reference(operation: Operation, document: ApiDocument): HTMLElement {
  const { parameters = [], requestBody, responses } = operation;
  const answer = responses["200"];
  return h(
    "div",
    { class: "reference" },
    section("Path", parameterList(parameters.filter((each) => each.in === "path"))),
    section("Query", parameterList(parameters.filter((each) => each.in === "query"))),
    requestBody !== undefined && section("Request body", contentView(requestBody.content, document, requestBody.description)),
    answer !== undefined && section("Answer", contentView(answer.content ?? {}, document, answer.description)),
    section("Errors", errors(document)),
  );
}

function section(title: string, content: HTMLElement | undefined): HTMLElement | undefined {
  return content === undefined ? undefined : h("section", {}, h("h2", {}, title), content);
}

function parameterList(parameters: readonly Parameter[]): HTMLElement | undefined {
  if (parameters.length === 0) return undefined;
  const items = parameters.map(({ name, schema, required, deprecated, description }) =>
    h(
      "li",
      {},
      h(
        "div",
        { class: "field" },
        h("span", { class: "name" }, name),
        typeTitle(schema),
        required === true && h("span", { class: "flag must" }, "required"),
        deprecated === true && h("span", { class: "flag" }, "deprecated"),
      ),
      description !== undefined && prose(description),
    ),
  );
  return h("ul", { class: "fields" }, ...items);
}

function contentView(content: NonNullable<Operation["requestBody"]>["content"], document: ApiDocument, words?: string): HTMLElement {
  const entries = Object.entries(content);
  // The forms of a stream differ in the envelope only; a line is a message.
  const schema = (content["application/x-ndjson"] ?? entries[0]?.[1])?.schema;
  const types = entries.map(([type]) => h("code", { class: "media" }, type));
  return h(
    "div",
    {},
    h("p", { class: "media-types" }, schema !== undefined && typeTitle(schema), ...types),
    words !== undefined && words !== "OK" && h("div", { class: "words" }, prose(words)),
    schema !== undefined && schemaView(schema, document),
  );
}

function errors(document: ApiDocument): HTMLElement {
  const details = h("details", {}, h("summary", { class: "field" }, h("span", { class: "type" }, "google.rpc.Status")));
  const tree = (): void => details.append(schemaView({ $ref: "#/components/schemas/google.rpc.Status" }, document));
  details.addEventListener("toggle", tree, { once: true });
  return h("div", {}, details, h("p", { class: "quiet" }, "With the HTTP status that fits its code."));
}
