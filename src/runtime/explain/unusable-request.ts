/** Written in a way that no request can have, so that there is nothing to explain. */
export class UnusableRequest extends Error {
  override readonly name = "UnusableRequest";
}
