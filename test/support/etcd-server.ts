/** A real etcd of one member or more, on free ports of loopback, with its data in a scratch folder. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { accepts } from "../../src/runtime/upstream-probe.ts";

export interface EtcdMember {
  /** 127.0.0.1:PORT */
  readonly address: string;
  kill(): Promise<void>;
  restart(): Promise<void>;
}

export interface EtcdServer {
  readonly members: readonly EtcdMember[];
  /** Of all members, with commas between. */
  readonly address: string;
  stop(): Promise<void>;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export async function startEtcd(count = 1): Promise<EtcdServer> {
  const folder = mkdtempSync(join(tmpdir(), "dragoman-etcd-"));
  const plans = await Promise.all(
    Array.from({ length: count }, async (_, n) => ({ name: `m${n}`, client: await freePort(), peer: await freePort() })),
  );
  const cluster = plans.map(({ name, peer }) => `${name}=http://127.0.0.1:${peer}`).join(",");
  const members = plans.map(({ name, client, peer }) => {
    let child: ChildProcess | undefined;
    const start = async (): Promise<void> => {
      const url = `http://127.0.0.1:${client}`;
      const peerUrl = `http://127.0.0.1:${peer}`;
      const args = [
        ...["--name", name, "--data-dir", join(folder, name), "--listen-client-urls", url, "--advertise-client-urls", url],
        ...["--listen-peer-urls", peerUrl, "--initial-advertise-peer-urls", peerUrl, "--initial-cluster", cluster],
        ...["--heartbeat-interval", "50", "--election-timeout", "500", "--log-level", "error"],
      ];
      child = spawn("etcd", args, { stdio: "ignore" });
      for (let tries = 0; !(await accepts("127.0.0.1", client)); tries++) {
        if (tries > 400 || child.exitCode !== null) throw new Error("etcd does not start");
        await new Promise((resolve) => setTimeout(resolve, 25));
      }
    };
    const kill = async (): Promise<void> => {
      const running = child;
      child = undefined;
      if (running === undefined || running.exitCode !== null) return;
      const gone = once(running, "exit");
      running.kill("SIGKILL");
      await gone;
    };
    return { address: `127.0.0.1:${client}`, kill, restart: start };
  });
  await Promise.all(members.map((member) => member.restart()));
  return {
    members,
    address: members.map(({ address }) => address).join(","),
    async stop() {
      await Promise.all(members.map((member) => member.kill()));
      rmSync(folder, { recursive: true });
    },
  };
}
