/** The form of one operation, what it sends, and what comes back. */
import { h, spans } from "./dom.ts";
import { exampleOf } from "./example.ts";
import { resolve, type ApiDocument, type Operation, type Parameter } from "./model.ts";
import { readHeaders, targetOf, type FormValues } from "./request.ts";
import { ResultView } from "./result-view.ts";
import { send } from "./send.ts";

/** Per operation, so that nothing is lost by looking elsewhere or by a change of the schema. There are as many as operations. */
const kept = new Map<string, FormValues>();
/** For all requests; in memory only, because it may hold a credential. */
let headerText = "";

export interface TryIt {
  readonly element: HTMLElement;
  stop(): void;
}

export function tryItForm(operation: Operation, document: ApiDocument): TryIt {
  const values = kept.get(operation.operationId) ?? { parameters: new Map(), body: undefined, contentType: undefined, accept: undefined };
  kept.set(operation.operationId, values);
  const result = new ResultView();
  let running: AbortController | undefined;

  const sendButton = h("button", { type: "submit", class: "primary" }, "Send");
  const stopButton = h("button", { type: "button", disabled: true, onclick: () => running?.abort() }, "Stop");
  const body = bodyInput(operation, document, values);

  const submit = async (): Promise<void> => {
    running?.abort();
    const target = targetOf(operation, values);
    if ("missing" in target) return result.refuse(`The path needs a value for ${target.missing}.`);
    const { headers, wrong } = readHeaders(headerText);
    if (wrong !== undefined) return result.refuse(`"${wrong}" is no header: write Name: value.`);
    const mine = (running = new AbortController());
    stopButton.disabled = false;
    try {
      await send(operation, { ...target, headers, values, file: body?.file() }, result, mine.signal);
    } finally {
      if (running === mine) stopButton.disabled = true;
    }
  };

  const form = h(
    "form",
    {
      onsubmit: (event) => {
        event.preventDefault();
        void submit();
      },
    },
    ...(operation.parameters ?? []).map((parameter) => parameterInput(parameter, document, values)),
    body?.element,
    acceptInput(operation, values),
    headersInput(document),
    h("div", { class: "actions" }, sendButton, stopButton),
  );
  return {
    element: h("section", { class: "try", "aria-label": "Try it" }, h("h2", {}, "Try it"), form, result.element),
    stop: () => running?.abort(),
  };
}

function parameterInput(parameter: Parameter, document: ApiDocument, values: FormValues): HTMLElement {
  const { name, required, schema } = parameter;
  const key = `${parameter.in}:${name}`;
  const id = `value-${key}`;
  const value = values.parameters.get(key) ?? "";
  const resolved = resolve(schema, document);
  const keep = (event: Event): void => void values.parameters.set(key, (event.target as HTMLInputElement).value);
  const choices = resolved.enum ?? (resolved.type === "boolean" ? ["true", "false"] : undefined);
  const isMap = resolved.type === "object";
  let input: HTMLElement;
  if (choices !== undefined) {
    const options = ["", ...choices].map((each) => h("option", { value: String(each), selected: String(each) === value }, String(each)));
    input = h("select", { id, onchange: keep }, ...options);
  } else if (resolved.type === "array" || isMap)
    input = h("textarea", { id, rows: "2", oninput: keep, placeholder: isMap ? "key=value, one a line" : "one a line" }, value);
  else {
    const placeholder = parameter["x-multi-segment"] === true ? "may/hold/slashes" : resolved.format;
    input = h("input", { id, type: "text", value, oninput: keep, placeholder, autocomplete: "off", spellcheck: "false" });
  }
  const mark = required === true && h("span", { class: "must", title: "required" }, "*");
  return h("div", { class: "row" }, h("label", { for: id }, name, mark), input);
}

interface BodyInput {
  readonly element: HTMLElement;
  file(): File | undefined;
}

function bodyInput({ requestBody, ...operation }: Operation, document: ApiDocument, values: FormValues): BodyInput | undefined {
  if (requestBody === undefined) return undefined;
  const [[type, { schema }] = ["", { schema: {} }]] = Object.entries(requestBody.content);
  const isRaw = type === "*/*";
  const example = isRaw ? "" : JSON.stringify(exampleOf(schema, document) ?? null, undefined, 2);
  const text = h("textarea", { id: "value-body", class: "body", rows: isRaw ? "3" : "10", spellcheck: "false" }, values.body ?? example);
  text.value = values.body ??= example;
  text.addEventListener("input", () => (values.body = text.value));
  const reset = h("button", { type: "button", class: "link", onclick: () => (text.value = values.body = example) }, "Reset");
  const label = h("div", { class: "label" }, h("label", { for: "value-body" }, "Body"), !isRaw && reset);
  if (!isRaw) {
    values.contentType = type;
    const hint = operation["x-grpc-streaming"] === "client" || operation["x-grpc-streaming"] === "both";
    return {
      element: h("div", { class: "row" }, label, text, hint && h("p", { class: "quiet" }, "A JSON array: one element a message.")),
      file: () => undefined,
    };
  }
  const file = h("input", { id: "value-file", type: "file" });
  const contentType = h("input", { id: "value-type", type: "text", value: (values.contentType ??= "text/plain") });
  contentType.addEventListener("input", () => (values.contentType = contentType.value));
  const element = h(
    "div",
    { class: "row" },
    label,
    text,
    h("label", { for: "value-file" }, "or a file"),
    file,
    h("label", { for: "value-type" }, "Content type"),
    contentType,
  );
  return { element, file: () => file.files?.[0] };
}

/** The forms of a stream; lines unless chosen otherwise, for they show as they come whoever stands between. */
function acceptInput({ responses }: Operation, values: FormValues): HTMLElement | undefined {
  const types = Object.keys(responses["200"]?.content ?? {});
  if (types.length < 2) return undefined;
  values.accept ??= "application/x-ndjson";
  const keep = (event: Event): void => void (values.accept = (event.target as HTMLSelectElement).value);
  const options = types.map((type) => h("option", { value: type, selected: type === values.accept }, type));
  return h(
    "div",
    { class: "row" },
    h("label", { for: "value-accept" }, "Accept"),
    h("select", { id: "value-accept", onchange: keep }, ...options),
  );
}

function headersInput(document: ApiDocument): HTMLElement {
  const names = Object.values(document.components.securitySchemes ?? {}).map(({ type, name }) =>
    type === "apiKey" ? `\`${name ?? ""}\`` : "`Authorization`",
  );
  const text = h("textarea", { id: "value-headers", rows: "2", spellcheck: "false", placeholder: "Authorization: Bearer ..." });
  text.value = headerText;
  text.addEventListener("input", () => (headerText = text.value));
  return h(
    "details",
    { class: "row", open: headerText !== "" || names.length > 0 },
    h("summary", {}, "Headers"),
    h(
      "label",
      { for: "value-headers", class: "quiet" },
      ...spans(
        `One a line, sent with every request${names.length > 0 ? `; the API wants ${names.join(" or ")}` : ""}. Forgotten when the page is left.`,
      ),
    ),
    text,
  );
}
