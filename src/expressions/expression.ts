/**
 * CEL (github.com/google/cel-spec): conditions and values in the configuration, compiled when it is read. The one place that knows the engine.
 *
 * Two traps. Integers are `bigint` in CEL, so JSON has to be handed in by {@link celValue}. And an expression can fail where it is evaluated
 * (a key that is not there): whoever evaluates says what that means.
 */
import { Environment, EvaluationError, ParseError, TypeError as CelTypeError, type ASTNode } from "@marcbachmann/cel-js";

/** A variable's type as CEL writes it ("string", "map<string, dyn>"), or the fields of a record. */
export type Variables = Readonly<Record<string, string | Readonly<Record<string, string>>>>;

export interface Expression {
  readonly source: string;
  /** Variables that it reads: the others need not be there. */
  readonly reads: ReadonlySet<string>;
  /** @throws ExpressionFailure */
  evaluate(values: Readonly<Record<string, unknown>>): unknown;
}

/** An expression that cannot be used: what is wrong and where in it, for whoever wrote it. */
export class ExpressionFault extends Error {
  override readonly name = "ExpressionFault";
}

/** An expression that has no value for what it was given. The message may hold parts of it. */
export class ExpressionFailure extends Error {
  override readonly name = "ExpressionFailure";
}

const limits = { maxAstNodes: 2000, maxDepth: 64, maxListElements: 500, maxMapEntries: 500, maxCallArguments: 32 };

/** Compiles expressions over the same variables. */
export class Expressions {
  private readonly environment: Environment;
  private readonly names: ReadonlySet<string>;

  constructor(variables: Variables) {
    this.environment = new Environment({ limits });
    this.names = new Set(Object.keys(variables));
    for (const [name, type] of Object.entries(variables)) {
      if (typeof type === "string") this.environment.registerVariable(name, type);
      else this.environment.registerVariable({ name, schema: type });
    }
  }

  /** @param type what it must give: "bool". @throws ExpressionFault */
  compile(source: string, type: string): Expression {
    try {
      const parsed = this.environment.parse(source);
      const checked = parsed.check();
      if (!checked.valid) throw checked.error ?? new Error("it does not fit");
      const given = String(checked.type);
      if (given !== type && given !== "dyn") throw new ExpressionFault(`it gives ${given}, not ${type}`);
      const reads = new Set<string>();
      collectNames(parsed.ast, this.names, reads);
      return { source, reads, evaluate: (values) => evaluated(parsed, values) };
    } catch (error) {
      throw faultOf(error, source);
    }
  }
}

function evaluated(parsed: (values: Record<string, unknown>) => unknown, values: Readonly<Record<string, unknown>>): unknown {
  try {
    return parsed(values);
  } catch (error) {
    const summary = error instanceof EvaluationError ? error.summary : (error as Error).message;
    throw new ExpressionFailure(summary.slice(0, 200));
  }
}

/** Every name that the tree holds and that is a variable's. One that a macro binds under the same name counts too, which only costs time. */
function collectNames(node: unknown, names: ReadonlySet<string>, found: Set<string>): void {
  if (Array.isArray(node)) for (const each of node) collectNames(each, names, found);
  else if (typeof node === "object" && node !== null) {
    const { op, args } = node as ASTNode;
    if (op === "id" && typeof args === "string" && names.has(args)) found.add(args);
    else collectNames(args, names, found);
  }
}

function faultOf(error: unknown, source: string): ExpressionFault {
  if (error instanceof ExpressionFault) return error;
  if (!(error instanceof ParseError || error instanceof CelTypeError || error instanceof EvaluationError))
    return new ExpressionFault((error as Error).message.split("\n")[0]);
  const { range, summary } = error;
  return new ExpressionFault(range === undefined ? summary : `${summary}, at ${placeOf(source, range.start)}`);
}

/** "character 12", or with its line where there are several. */
function placeOf(source: string, offset: number): string {
  const lines = source.slice(0, offset).split("\n");
  const column = lines.at(-1)!.length + 1;
  return source.includes("\n") ? `line ${lines.length}, character ${column}` : `character ${column}`;
}

/** JSON as CEL has it: whole numbers are integers, objects are maps whose keys are nothing but keys. */
export function celValue(value: unknown): unknown {
  if (typeof value === "number") return Number.isSafeInteger(value) ? BigInt(value) : value;
  if (Array.isArray(value)) return value.map(celValue);
  if (typeof value === "object" && value !== null) return new Map(Object.entries(value).map(([name, member]) => [name, celValue(member)]));
  return value;
}
