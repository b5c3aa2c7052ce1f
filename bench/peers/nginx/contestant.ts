/** nginx as gRPC proxy (`grpc_pass`), one process, access log with a buffer to a file as ours. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { spawnSync } from "node:child_process";
import type { Contestant } from "../../load/contestant.ts";

const PATHS = ["nginx", "/usr/sbin/nginx"];

export const nginx: Contestant = {
  name: "nginx",
  routes: ["grpc", "grpc-stream"],
  on: "timeouts, access log to a file; one process",
  async prepare() {
    for (const file of PATHS) {
      const said = spawnSync(file, ["-v"], { encoding: "utf8" });
      if (said.status !== 0) continue;
      return {
        version: said.stderr.trim().replace("nginx version: ", ""),
        launch: ({ listen, backend }, folder) => {
          const config = join(folder, "nginx.conf");
          writeFileSync(config, configuration(listen, backend, folder));
          return { command: [file, "-p", folder, "-c", config, "-e", join(folder, "error.log")] };
        },
      };
    }
    return { absent: "not installed (apt-get install nginx)" };
  },
};

/** The connection limits are raised, for the defaults would close busy and idle connections in the middle of a round. */
function configuration(listen: number, backend: number, folder: string): string {
  return `
daemon off;
master_process off;
worker_processes 1;
worker_rlimit_nofile 20000;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log warn;
events { worker_connections 16384; }
http {
  access_log ${folder}/access.log combined buffer=64k flush=1s;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  keepalive_requests 1000000000;
  keepalive_timeout 1h;
  upstream backend {
    server 127.0.0.1:${backend};
    keepalive 128;
    keepalive_requests 1000000000;
  }
  server {
    listen 127.0.0.1:${listen} http2 backlog=4096;
    location / { grpc_pass grpc://backend; }
  }
}
`;
}
