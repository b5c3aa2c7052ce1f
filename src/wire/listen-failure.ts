/** Why a port cannot be listened on, in words that say what to do. */
const reasonsByCode: Readonly<Record<string, string>> = {
  EADDRINUSE: "the port is in use",
  EACCES: "no permission for this port (ports below 1024 need a privilege; choose a higher one)",
  EADDRNOTAVAIL: "this machine has no such address",
  ENOTFOUND: "the host name is not known",
  EAI_AGAIN: "the host name cannot be resolved at the moment",
  EINVAL: "the address is not valid",
  EAFNOSUPPORT: "this machine does not support that kind of address",
};

export function explainListenFailure(error: NodeJS.ErrnoException, host: string, port: number): Error {
  const where = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
  const why = reasonsByCode[error.code ?? ""] ?? error.message;
  return new Error(`cannot listen on ${where}: ${why}`, { cause: error });
}
