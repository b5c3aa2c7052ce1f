/** Why the program cannot start (or take a new configuration): one line that says what to do, and who has to do it. */
export class StartError extends Error {
  override readonly name = "StartError";
  /** "config": what was given is wrong (exit code 2); "start": the surroundings are not as they must be (exit code 1). */
  readonly fault: "config" | "start";

  constructor(fault: "config" | "start", message: string, options?: ErrorOptions) {
    super(message, options);
    this.fault = fault;
  }
}
