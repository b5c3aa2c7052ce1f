/** haproxy as HTTP/2 or HTTP/1.1 proxy on both sides, one thread. It logs only to syslog, so its access log is off. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { spawnSync } from "node:child_process";
import { type Contestant, isPlainHttp, type Route } from "../../load/contestant.ts";

const PATHS = ["haproxy", "/usr/sbin/haproxy"];

export const haproxy: Contestant = {
  name: "haproxy",
  routes: ["grpc", "grpc-stream", "pass-through", "ws-echo"],
  on: "timeouts, statistics; no access log; nbthread 1",
  async prepare() {
    for (const file of PATHS) {
      const said = spawnSync(file, ["-v"], { encoding: "utf8" });
      if (said.status !== 0) continue;
      return {
        version: said.stdout.split(" ")[2] ?? "unknown",
        launch: ({ listen, backend }, folder, route) => {
          const config = join(folder, "haproxy.cfg");
          writeFileSync(config, configuration(listen, backend, route));
          return { command: [file, "-db", "-q", "-f", config] };
        },
      };
    }
    return { absent: "not installed (apt-get install haproxy)" };
  },
};

function configuration(listen: number, backend: number, route: Route): string {
  const spoken = isPlainHttp(route) ? "h1" : "h2";
  return `
global
  nbthread 1
  no strict-limits
  maxconn 10100
defaults
  mode http
  timeout connect 5s
  timeout client 1h
  timeout server 15s
  timeout http-request 1h
  timeout tunnel 1h
  option forwardfor
  http-reuse always
frontend in
  bind 127.0.0.1:${listen} proto ${spoken} backlog 4096
  default_backend out
backend out
  server one 127.0.0.1:${backend} proto ${spoken}
`;
}
