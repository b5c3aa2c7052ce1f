/** The flags that describe a sidecar, and what they stand for in the configuration. They win over the file. */
import type { Command } from "commander";
import type { ConfigSource, Override } from "../config/load-config.ts";

export interface ConfigFlags {
  readonly config?: string;
  readonly service?: string;
  readonly upstream?: string;
  readonly listen?: string;
  readonly outbound?: string;
  readonly admin?: string;
  readonly proto?: readonly string[];
  readonly importPath?: readonly string[];
  readonly descriptors?: string;
  readonly http2?: string;
  readonly accessLog?: string;
  readonly drain?: string;
}

/** Where a schema comes from; shared by the commands that need nothing else. */
export function addSchemaFlags(command: Command): Command {
  return command
    .option(
      "--upstream <url>",
      "the service behind: grpc://HOST:PORT, connect://HOST:PORT, or http://HOST:PORT for REST; grpcs://, connects:// and https:// for TLS",
    )
    .option("--proto <file...>", "schema from .proto files instead of reflection")
    .option("--import-path <dir...>", "folders in which --proto looks for imports")
    .option("--descriptors <file>", "schema from a FileDescriptorSet instead of reflection");
}

export function addRunFlags(command: Command): Command {
  return addSchemaFlags(
    command
      .option("--config <file>", "configuration (YAML); flags win over it")
      .option("--service <name>", "name of the service, for logs and metrics")
      .option("--listen <host:port>", "where callers are served (default 127.0.0.1:8080; port 0: a free one)")
      .option("--outbound <host:port>", "where the service beside us calls others (none unless set; usually 127.0.0.1:15001)")
      .option("--admin <host:port>", "health, metrics and the like (default 127.0.0.1:9901), or off"),
  )
    .option("--access-log <where>", "one JSON line for each call: a path, stdout, stderr, or off")
    .option("--http2 <engine>", "own, or node to compare with")
    .option("--drain <duration>", "how long calls may take to finish after SIGTERM (default 30s)");
}

export function configSource(flags: ConfigFlags): ConfigSource {
  const overrides: Override[] = [];
  const set = (origin: string, path: readonly string[], value: unknown): void => {
    if (value !== undefined) overrides.push({ origin, path, value });
  };
  set("--service", ["service"], flags.service);
  set("--upstream", ["inbound", "upstream"], flags.upstream);
  set("--listen", ["inbound", "listen"], flags.listen);
  set("--outbound", ["outbound", "listen"], flags.outbound);
  set("--http2", ["inbound", "http2"], flags.http2);
  set("--admin", ["admin", "listen"], flags.admin);
  set("--drain", ["drain"], flags.drain);
  if (flags.accessLog !== undefined)
    set("--access-log", ["policies", "access-log"], flags.accessLog === "off" ? false : { path: flags.accessLog });
  if (flags.descriptors !== undefined) set("--descriptors", ["inbound", "schema"], { descriptors: flags.descriptors });
  if (flags.proto !== undefined) set("--proto", ["inbound", "schema"], { protos: flags.proto, importPaths: flags.importPath ?? [] });
  return { file: flags.config, overrides };
}
