/** nginx as gRPC proxy (`grpc_pass`) or HTTP/1.1 proxy (`proxy_pass`), one process, access log with a buffer to a file as ours. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { spawnSync } from "node:child_process";
import { type Contestant, isPlainHttp, type Route } from "../../load/contestant.ts";

const PATHS = ["nginx", "/usr/sbin/nginx"];

export const nginx: Contestant = {
  name: "nginx",
  routes: ["grpc", "grpc-stream", "pass-through", "ws-echo"],
  on: "timeouts, access log to a file; one process",
  async prepare() {
    for (const file of PATHS) {
      const said = spawnSync(file, ["-v"], { encoding: "utf8" });
      if (said.status !== 0) continue;
      return {
        version: said.stderr.trim().replace("nginx version: ", ""),
        launch: ({ listen, backend }, folder, route) => {
          const config = join(folder, "nginx.conf");
          writeFileSync(config, configuration(listen, backend, folder, route));
          return { command: [file, "-p", folder, "-c", config, "-e", join(folder, "error.log")] };
        },
      };
    }
    return { absent: "not installed (apt-get install nginx)" };
  },
};

/** `Connection` and `Upgrade` end at a proxy, so a WebSocket's are said again. */
const connectionFields = (route: Route): string =>
  route === "ws-echo"
    ? 'proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade"; proxy_read_timeout 1h;'
    : 'proxy_set_header Connection "";';

function location(route: Route): string {
  if (!isPlainHttp(route)) return "grpc_pass grpc://backend;";
  const fields = "proxy_set_header Host $host; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;";
  return `proxy_pass http://backend; proxy_http_version 1.1; ${fields} ${connectionFields(route)}`;
}

/** The connection limits are raised, for the defaults would close busy and idle connections in the middle of a round. */
function configuration(listen: number, backend: number, folder: string, route: Route): string {
  return `
daemon off;
master_process off;
worker_processes 1;
worker_rlimit_nofile 20000;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log warn;
events { worker_connections 32768; }
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
    listen 127.0.0.1:${listen}${isPlainHttp(route) ? "" : " http2"} backlog=4096;
    location / { ${location(route)} }
  }
}
`;
}
