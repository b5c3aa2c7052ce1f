/** One part of a `multipart/form-data` body (RFC 7578), as the binding sees it. */
export interface FormPart {
  readonly name: string;
  /** "" when the part has none. */
  readonly contentType: string;
  /** Undefined: not a file, as far as the sender said. */
  readonly fileName: string | undefined;
  readonly data: Uint8Array;
}

/** The sender meant bytes and not text. */
export function isFile({ contentType, fileName }: Pick<FormPart, "contentType" | "fileName">): boolean {
  return fileName !== undefined || (contentType !== "" && !/^text\/plain\s*(;|$)/i.test(contentType));
}

/** "application/json", "application/*+json", with or without parameters. */
export function isJsonType(contentType: string): boolean {
  return contentType === "application/json" || /^application\/([\w.-]+\+)?json\s*(;|$)/i.test(contentType);
}
