/**
 * What `dragoman explain --json` and the admin page `/explain` answer. Scripts read it: members are added, never renamed.
 *
 * No header value is in it but the content type's, and no field that is marked `debug_redact`.
 */

export interface Explanation {
  readonly request: {
    readonly method: string;
    /** Without the query, whose parameters are among the bindings. */
    readonly path: string;
    readonly httpVersion: string;
    readonly contentType: string | undefined;
    readonly bodyBytes: number;
  };
  /** "call": it reaches the policies and then the backend. "answer": the proxy answers it itself. "refusal": the proxy refuses it. */
  readonly verdict: "call" | "answer" | "refusal";
  /** Of a refusal or answer; that of a call is the backend's to say. */
  readonly status: number | undefined;
  readonly error: RefusalView | undefined;
  readonly protocol: { readonly kind: string; readonly because: string } | undefined;
  /** The RPC that is called. */
  readonly rpc: RpcView | undefined;
  /** REST only: the binding that was found. */
  readonly binding: BindingView | undefined;
  readonly bindings: readonly PartView[];
  readonly body: BodyView | undefined;
  /** The first request message as JSON. */
  readonly message: unknown;
  /** Names of the metadata that go to the backend. */
  readonly metadata: readonly string[];
  /** In the order in which they run, outermost first. */
  readonly policies: readonly PolicyView[];
  readonly upstream: {
    readonly service: string;
    /** Undefined: only a schema was given. */ readonly url: string | undefined;
    readonly state: string | undefined;
  };
  /** Bindings that nearly fit, the nearest first; of a request that is routed those that fit too and come later. */
  readonly nearest: readonly NearView[];
  readonly hints: readonly string[];
  /** What was assumed about the request. */
  readonly notes: readonly string[];
}

export interface RefusalView {
  /** One of docs/reasons.md. */
  readonly reason: string;
  /** A gRPC code by name. */
  readonly code: string;
  readonly message: string;
  /** The field that is at fault. */
  readonly field: string | undefined;
  /** Where in the body reading stopped, in bytes. */
  readonly offset: number | undefined;
  readonly allow: readonly string[] | undefined;
}

export interface RpcView {
  /** "/shop.v1.Orders/Get" */
  readonly path: string;
  readonly input: string | undefined;
  readonly output: string | undefined;
  readonly kind: "unary" | "server stream" | "client stream" | "bidirectional stream" | undefined;
  /** False: the schema has no such method, and the backend decides. */
  readonly known: boolean;
  /** The proxy answers it: health, reflection. */
  readonly own: boolean;
}

export interface BindingView {
  readonly httpMethod: string;
  readonly template: string;
  /** "*", a field, or "" for none. */
  readonly body: string;
  readonly responseBody: string;
  /** Every method answers here without being annotated. */
  readonly automatic: boolean;
}

export interface PartView {
  readonly source: "path" | "query";
  readonly name: string;
  readonly text: string;
  readonly field: string | undefined;
  readonly type: string | undefined;
  readonly value: unknown;
  readonly ignored: string | undefined;
  readonly error: string | undefined;
}

export interface BodyView {
  /** "the whole message", "the field inner"; undefined: the binding takes none. */
  readonly becomes: string | undefined;
  readonly given: boolean;
  /** Undefined when there is none, or it was not looked at. */
  readonly converts: boolean | undefined;
}

export interface PolicyView {
  readonly kind: string;
  readonly settings: unknown;
}

export interface NearView {
  readonly httpMethod: string;
  readonly template: string;
  readonly rpc: string;
  /** Undefined: it fits. */
  readonly reason: string | undefined;
  readonly segments: readonly {
    readonly path: string | undefined;
    readonly template: string | undefined;
    readonly fits: boolean;
    readonly note: string | undefined;
  }[];
}
