/**
 * Between what a frame holds and a message of the method: JSON in the profile that REST speaks, or protobuf, with what path and query of
 * the upgrade say bound to every request message.
 *
 * The trap: a frame is always the whole message. `body` and `response_body` of the binding, which say what an HTTP body is, have no meaning here.
 */
import type { CallError } from "../../core/call-error.ts";
import { Payload } from "../../core/payload.ts";
import type { Method } from "../../core/method.ts";
import type { HttpBody } from "../../schema/binding/http-body.ts";
import type { RouteMatch } from "../../schema/method-table.ts";
import { errorOfRequest } from "../shared/codec-failure.ts";

export class MessageBinding {
  readonly method: Method;
  /** The client's messages are google.api.HttpBody: bytes of any kind, with a content type. */
  readonly rawRequest: boolean;
  readonly rawResponse: boolean;
  /** What the upgrade's path and query bind; undefined when they bind nothing. */
  private readonly target: RouteMatch | undefined;
  /** The method with nothing but a body: knows the JSON profile. */
  private readonly plain: RouteMatch | undefined;

  constructor(method: Method, target: RouteMatch | undefined, plain: RouteMatch | undefined) {
    this.method = method;
    const binds = target !== undefined && (target.captures.length > 0 || target.query !== "");
    this.target = binds ? target : undefined;
    this.rawRequest = plain?.binder.rawBody === true;
    this.rawResponse = plain?.binder.rawResponse === true;
    this.plain = plain;
  }

  /** The bytes belong to the payload. @throws CallError */
  ofJson(json: Buffer): Payload {
    const { plain, method } = this;
    if (json.length === 0) return this.bound(Payload.ofWire(method.input, json));
    return this.bound(plain === undefined || this.rawRequest ? Payload.ofJson(method.input, json) : plain.binder.bind(plain, json));
  }

  /** The bytes belong to the payload. @throws CallError */
  ofWire(wire: Uint8Array): Payload {
    return this.bound(Payload.ofWire(this.method.input, wire));
  }

  /** Where {@link rawRequest} holds. @throws CallError */
  ofRaw(body: HttpBody): Payload {
    return this.bound(this.plain!.binder.bindRaw(this.plain!, body));
  }

  /** A view, valid until the next conversion on this thread. @throws CodecError */
  json(payload: Payload): Uint8Array {
    return this.plain === undefined || this.rawResponse ? payload.jsonView() : this.plain.binder.responseJson(payload);
  }

  /** Where {@link rawResponse} holds. @throws CodecError */
  raw(payload: Payload): HttpBody {
    return this.plain!.binder.responseBody(payload);
  }

  private bound(payload: Payload): Payload {
    const { target } = this;
    if (target === undefined) return payload;
    try {
      return target.binder.bindWire(target, payload.wireView());
    } catch (error) {
      throw this.errorOf(error);
    }
  }

  private errorOf(error: unknown): CallError {
    return errorOfRequest(error, this.method);
  }
}
