/**
 * The command line. Each command is loaded when it is named, so that `version` does not pay for `demo`.
 *
 * The trap: exit codes and messages are an interface. Bad usage and bad configuration end with 2, what cannot start ends with 1, and either
 * way there is one line on standard error for each fault, without a stack.
 */
import { Command, CommanderError, Option } from "commander";
import { logLevels, type LogLevel } from "../telemetry/json-logger.ts";
import { addRunFlags, addSchemaFlags, configSource, type ConfigFlags } from "./config-flags.ts";
import { exitCode } from "./exit-code.ts";
import type { ExplainFlags } from "./explain.ts";
import { version } from "./version.ts";

function createProgram(done: (code: number) => void): Command {
  const program = new Command("dragoman")
    .description("A sidecar that speaks REST/JSON and gRPC for the gRPC service beside it.")
    .enablePositionalOptions()
    .showSuggestionAfterError()
    .configureOutput({ outputError: () => {} })
    .exitOverride();

  addRunFlags(program.command("run").description("serve one upstream"))
    .addOption(new Option("--log-level <level>", "least level of events that are logged").choices(logLevels).default("info"))
    .action(async ({ logLevel, ...flags }: ConfigFlags & { logLevel: LogLevel }) => {
      const { run } = await import("./run.ts");
      done(await run({ source: configSource(flags), logLevel }));
    });

  program
    .command("check")
    .description("look for faults in a configuration, without serving it")
    .argument("[config]", "the configuration (YAML)")
    .option("--schema", "print the JSON Schema of the configuration instead")
    .action(async (file: string | undefined, { schema }: { schema?: boolean }) => {
      if (schema === true) {
        const { configJsonSchema } = await import("../config/json-schema.ts");
        console.log(JSON.stringify(configJsonSchema(), undefined, 2));
        return done(exitCode.drained);
      }
      if (file === undefined)
        throw new CommanderError(exitCode.usage, "dragoman.missing", "error: missing argument: dragoman check CONFIG");
      const { check } = await import("./check.ts");
      done(await check({ file }));
    });

  addSchemaFlags(program.command("explain").description("say what a request would meet, and why: template, bindings, method, policies"))
    .argument("<method>", "the HTTP method")
    .argument("<url>", "a path with its query, or an http or ws URL")
    .option("--config <file>", "take the schema and policies of this configuration")
    .option("-H, --header <field>", "a header field, 'name: value'; may be repeated", (field: string, before: string[] = []) => [
      ...before,
      field,
    ])
    .option("-d, --data <body>", "the request body, or @FILE")
    .addOption(new Option("--http-version <version>", "the version it is sent with").choices(["1.1", "2"]))
    .option("--json", "for scripts")
    .action(async (httpMethod: string, url: string, flags: ConfigFlags & ExplainFlags) => {
      const { explain } = await import("./explain.ts");
      done(await explain({ httpMethod, url, flags, source: withSomeUpstream(flags), upstreamKnown: !needsNoUpstream(flags) }));
    });

  addSchemaFlags(program.command("openapi").description("print the REST interface as OpenAPI"))
    .option("--config <file>", "take the schema of this configuration")
    .option("--output <file>", "write to a file instead of standard output")
    .action(async ({ output, ...flags }: ConfigFlags & { output?: string }) => {
      const { openapi } = await import("./openapi.ts");
      done(await openapi(withSomeUpstream(flags), output));
    });

  program
    .command("demo")
    .description("three small services, each with a sidecar, and lines to paste")
    .option("--any-port", "take free ports instead of the fixed ones")
    .action(async (options: { anyPort?: boolean }) => {
      const { demo } = await import("./demo.ts");
      done(await demo(options));
    });

  program
    .command("version")
    .description("print the version")
    .action(() => {
      console.log(version());
      done(exitCode.drained);
    });
  return program;
}

/** A schema from files needs no upstream, but the configuration does. */
function withSomeUpstream(flags: ConfigFlags): ReturnType<typeof configSource> {
  return configSource(needsNoUpstream(flags) ? { upstream: "grpc://127.0.0.1:1", ...flags } : flags);
}

function needsNoUpstream({ config, upstream, descriptors, proto }: ConfigFlags): boolean {
  return config === undefined && upstream === undefined && (descriptors !== undefined || proto !== undefined);
}

/** Every fault is one line that begins with the program's name. */
function report(error: unknown): number {
  const say = (line: string): void => console.error(`dragoman: ${line}`);
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return exitCode.drained;
    if (error.code === "commander.help") {
      say("a command is missing: run, check, explain, openapi, demo or version (dragoman --help explains them)");
      return exitCode.usage;
    }
    say(
      `${error.message.replace(/^error: /, "").replace(/\s*\n\s*/g, " ")}${error.code === "commander.unknownOption" ? "; --help lists the flags" : ""}`,
    );
    return exitCode.usage;
  }
  const { name, message, lines, fault } = error as Error & { lines?: readonly string[]; fault?: "config" | "start" };
  if (name === "ConfigError") {
    for (const line of lines ?? [message]) say(line);
    return exitCode.usage;
  }
  if (name === "StartError") {
    say(message);
    return fault === "config" ? exitCode.usage : exitCode.failed;
  }
  say(`a fault of the program itself: ${(error as Error).stack ?? String(error)}`);
  return exitCode.failed;
}

let code: number = exitCode.drained;
try {
  await createProgram((result) => (code = result)).parseAsync();
} catch (error) {
  code = report(error);
}
// What is still open (a timer, a socket that lingers) must not keep the process alive after its work is done.
process.exitCode = code;
if (process.stdout.writableLength === 0) process.exit();
process.stdout.once("drain", () => process.exit());
