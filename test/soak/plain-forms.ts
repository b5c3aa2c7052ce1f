/** Plain HTTP that passes through to a server: what the server answers is in the path (backend.ts). */
import { limitBytes, timeoutMs, waitMs, type Behaviour, type HttpForm, type HttpRequest, type Plan } from "./form.ts";

const all: readonly Behaviour[] = ["normal", "failure", "cancel", "reset", "slow", "deadline"];

function form(name: string, behaviours: readonly Behaviour[], request: (plan: Plan) => HttpRequest): HttpForm {
  return { over: "http", name: `HTTP ${name}`, proxy: "plain", protocol: "http", versions: ["1.1", "2"], behaviours, request };
}

function path({ behaviour, random }: Plan): string {
  const delay = behaviour === "deadline" ? waitMs : behaviour === "cancel" || behaviour === "reset" ? random.oneOf([0, 50, 500]) : 0;
  const size = behaviour === "slow" ? 1_500_000 : random.oneOf([0, 1, 900, 60_000]);
  return `/shelves?size=${size}&delay=${delay}&status=${behaviour === "failure" ? 400 : 200}`;
}

const headers = ({ behaviour }: Plan): Readonly<Record<string, string>> =>
  behaviour === "deadline" ? { "x-server-timeout": String(timeoutMs / 1000) } : {};

function body({ behaviour, random }: Plan): Buffer[] {
  if (behaviour === "oversize") return Array.from({ length: 6 }, () => Buffer.alloc(limitBytes / 2));
  return Array.from({ length: random.whole(1, 4) }, () => Buffer.alloc(random.oneOf([1, 500, 9000]), "x"));
}

export const plainForms: readonly HttpForm[] = [
  form("GET", all, (plan) => ({ method: "GET", path: path(plan), headers: headers(plan) })),
  form("POST", [...all, "oversize"], (plan) => ({ method: "POST", path: path(plan), headers: headers(plan), pieces: body(plan) })),
  form("PUT, length declared", ["normal", "cancel", "slow"], (plan) => {
    const whole = Buffer.concat(body(plan));
    return { method: "PUT", path: path(plan), headers: { "content-length": String(whole.length) }, pieces: [whole] };
  }),
];
