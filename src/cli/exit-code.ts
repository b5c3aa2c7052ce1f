/** What the process says by its exit code (SEMANTICS A7): others script against these numbers. */
export const exitCode = { drained: 0, failed: 1, usage: 2 } as const;
