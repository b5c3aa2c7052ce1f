/** A name server on loopback that knows what the test tells it: A, AAAA and SRV records, over UDP (RFC 1035). */
import { createSocket, type Socket } from "node:dgram";

export type DnsRecord =
  | { readonly type: "A"; readonly address: string; readonly ttl: number }
  | {
      readonly type: "SRV";
      readonly target: string;
      readonly port: number;
      readonly priority: number;
      readonly weight: number;
      readonly ttl: number;
    };

const typeCodes = { A: 1, SRV: 33 } as const;

export class NameServer {
  /** By name; a name that is not here does not exist. */
  readonly records = new Map<string, readonly DnsRecord[]>();
  /** Questions are not answered while it is silent. */
  silent = false;
  /** Names that were asked for. */
  readonly asked: string[] = [];
  private readonly socket: Socket = createSocket("udp4");

  static async start(): Promise<NameServer> {
    const server = new NameServer();
    server.socket.on("message", (question, { address, port }) => {
      if (!server.silent) server.socket.send(server.answer(question), port, address);
    });
    await new Promise<void>((resolve) => server.socket.bind(0, "127.0.0.1", resolve));
    return server;
  }

  /** "127.0.0.1:5353" */
  get address(): string {
    return `127.0.0.1:${this.socket.address().port}`;
  }

  close(): void {
    this.socket.close();
  }

  private answer(question: Buffer): Buffer {
    let at = 12;
    const labels: string[] = [];
    for (let length = question[at]!; length > 0; length = question[at]!) {
      labels.push(question.toString("latin1", at + 1, at + 1 + length));
      at += 1 + length;
    }
    const type = question.readUInt16BE(at + 1);
    const name = labels.join(".").toLowerCase();
    this.asked.push(name);
    const known = this.records.get(name);
    const records = (known ?? []).filter((record) => typeCodes[record.type] === type);
    const head = Buffer.alloc(12);
    question.copy(head, 0, 0, 2);
    // An answer, authoritative; the name does not exist where nothing is known of it.
    head.writeUInt16BE(known === undefined ? 0x8583 : 0x8580, 2);
    head.writeUInt16BE(1, 4);
    head.writeUInt16BE(records.length, 6);
    return Buffer.concat([head, question.subarray(12, at + 5), ...records.map((record) => encode(record, type))]);
  }
}

function encode(record: DnsRecord, type: number): Buffer {
  const data = record.type === "A" ? Buffer.from(record.address.split(".").map(Number)) : serviceData(record);
  const head = Buffer.alloc(12);
  head.writeUInt16BE(0xc00c, 0); // the name of the question
  head.writeUInt16BE(type, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt32BE(record.ttl, 6);
  head.writeUInt16BE(data.length, 10);
  return Buffer.concat([head, data]);
}

function serviceData({ priority, weight, port, target }: Extract<DnsRecord, { type: "SRV" }>): Buffer {
  const head = Buffer.alloc(6);
  head.writeUInt16BE(priority, 0);
  head.writeUInt16BE(weight, 2);
  head.writeUInt16BE(port, 4);
  const labels = target.split(".").map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)]));
  return Buffer.concat([head, ...labels, Buffer.from([0])]);
}
