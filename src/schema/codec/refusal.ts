/**
 * How readers refuse input: the fault is noted here and one prepared error is thrown, so that a refusal costs no allocation.
 *
 * The compiled codec discards the note and lets the interpreter run again; only the interpreter, which knows the path, makes a CodecError of it.
 */

/** What the last refusal was about. `expected` is set when a value was of the wrong kind, `problem` for everything else. */
export const fault = {
  at: 0,
  expected: "",
  problem: "",
  unknownField: undefined as string | undefined,
};

class Refused extends Error {
  override readonly name = "Refused";
}

const refused = new Refused("input refused");

export function isRefusal(error: unknown): boolean {
  return error === refused;
}

/** Refuses with a whole sentence. */
export function refuse(at: number, problem: string, unknownField?: string): never {
  fault.at = at;
  fault.problem = problem;
  fault.expected = "";
  fault.unknownField = unknownField;
  throw refused;
}

/** Refuses a value that is not `what` ("a string"); the reporter adds the field and what was found instead. */
export function expected(at: number, what: string): never {
  fault.at = at;
  fault.problem = "";
  fault.expected = what;
  fault.unknownField = undefined;
  throw refused;
}

/** Leaves the compiled path for input that is unusual, and perhaps right: the interpreter decides. */
export function giveUp(at: number): never {
  return refuse(at, "unusual input");
}
