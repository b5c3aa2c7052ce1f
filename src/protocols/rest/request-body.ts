/**
 * A whole request body onto the request message, by its content type: JSON, a form, or taken as it is where the binding says google.api.HttpBody.
 */
import { CallError } from "../../core/call-error.ts";
import type { Payload } from "../../core/payload.ts";
import { isJsonType, type FormPart } from "../../schema/binding/form-part.ts";
import type { RouteMatch } from "../../schema/method-table.ts";
import { isForm } from "./method-override.ts";
import { boundaryOf, MultipartParser, type PartHead } from "./multipart.ts";

/** @throws CallError */
export function bindBody(route: RouteMatch, contentType: string | undefined, body: Uint8Array): Payload {
  const { binder } = route;
  if (binder.rawBody) return binder.bindRaw(route, { contentType: contentType ?? "", data: body });
  if (body.length === 0) return binder.bind(route, undefined);
  if (contentType !== undefined) {
    if (isJsonType(contentType)) return binder.bind(route, body);
    if (isForm(contentType)) return binder.bindForm(route, latin1(body));
    if (/^multipart\/form-data\s*(;|$)/i.test(contentType)) return binder.bindParts(route, readParts(contentType, body));
  }
  throw unsupportedType(contentType, "application/json");
}

export function unsupportedType(contentType: string | undefined, instead: string): CallError {
  const type = JSON.stringify((contentType ?? "").slice(0, 100));
  return new CallError("UNSUPPORTED_MEDIA_TYPE", `content type ${type} is not supported: send ${instead}`, {
    source: "caller",
    headers: ["accept-post", instead],
  });
}

/** Bytes above U+007F stay bytes, as in a request target: the binding checks that they are UTF-8. */
function latin1(body: Uint8Array): string {
  return Buffer.from(body.buffer, body.byteOffset, body.length).toString("latin1");
}

function readParts(contentType: string, body: Uint8Array): readonly FormPart[] {
  const parts: FormPart[] = [];
  let head: PartHead | undefined;
  let chunks: Uint8Array[] = [];
  const parser = new MultipartParser(boundaryOf(contentType), {
    begin(next) {
      head = next;
      chunks = [];
    },
    data: (bytes) => chunks.push(bytes),
    end() {
      parts.push({ ...head!, data: chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks) });
    },
  });
  parser.push(body);
  parser.end();
  return parts;
}
