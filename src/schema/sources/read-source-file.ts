/** Reads a file a user named; what goes wrong is one line about that file. */
import { readFile } from "node:fs/promises";
import { SchemaError } from "../files/schema-error.ts";

const reasons: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  EACCES: "no permission",
  EPERM: "no permission",
  EISDIR: "it is a directory",
  ENOTDIR: "a part of its path is not a directory",
  EMFILE: "too many open files",
};

/** @param what "descriptor set", "proto file": how the message calls it. */
export async function readSourceFile(path: string, what: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    throw new SchemaError(`cannot read ${what} ${path}: ${reasons[code] ?? code}`);
  }
}
