/** Why a source has no (new) schema at the moment, told to whoever prints it. The last good schema stays in use meanwhile. */
export interface SchemaProblem {
  /** One line: what is wrong, and what to do about it. */
  readonly message: string;
  /** Waiting will not mend it; somebody must change something. */
  readonly fatal: boolean;
}

export type OnProblem = (problem: SchemaProblem) => void;

/** Tells a problem once, however often it is met in a row. */
export class ProblemReporter {
  private readonly onProblem: OnProblem | undefined;
  private last = "";

  constructor(onProblem: OnProblem | undefined) {
    this.onProblem = onProblem;
  }

  report(problem: SchemaProblem): void {
    if (problem.message === this.last) return;
    this.last = problem.message;
    this.onProblem?.(problem);
  }

  /** All is well: the same problem, met again, is news. */
  clear(): void {
    this.last = "";
  }
}
