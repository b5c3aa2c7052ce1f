/** Types of the parts of `ws` that it exports and @types/ws leaves out. */
import type { Writable } from "node:stream";

declare module "ws" {
  interface ReceiverOptions {
    readonly isServer: boolean;
    readonly maxPayload: number;
    readonly maxFragments: number;
    readonly maxBufferedChunks: number;
    readonly extensions: Readonly<Record<string, PerMessageDeflate>>;
  }

  /** Frames in, messages out. Emits "message" (Buffer, boolean), "ping", "pong", "conclude" (number, Buffer). */
  export class Receiver extends Writable {
    constructor(options: ReceiverOptions);
  }

  /** What a Sender writes to. */
  interface FrameOutlet {
    readonly destroyed: boolean;
    cork(): void;
    uncork(): void;
    write(bytes: Uint8Array, done?: () => void): void;
  }

  interface SendOptions {
    readonly binary: boolean;
    readonly compress: boolean;
    readonly fin: boolean;
    readonly mask: boolean;
  }

  export class Sender {
    constructor(outlet: FrameOutlet, extensions: Readonly<Record<string, PerMessageDeflate>>);
    send(data: Uint8Array, options: SendOptions, done?: (error?: Error) => void): void;
    ping(data: Uint8Array, mask: boolean): void;
    pong(data: Uint8Array, mask: boolean): void;
    close(code: number | undefined, reason: string | Uint8Array, mask: boolean, done: (error?: Error) => void): void;
  }

  type ExtensionOffers = Record<string, Record<string, (string | true)[]>[]>;

  export class PerMessageDeflate {
    static readonly extensionName: string;
    constructor(options: PerMessageDeflateOptions & { readonly isServer: boolean; readonly maxPayload: number });
    readonly params: Record<string, unknown>;
    /** @throws Error when no offer can be accepted */
    accept(offers: ExtensionOffers[string]): void;
    cleanup(): void;
  }

  export const extension: {
    /** @throws SyntaxError */
    parse(header: string): ExtensionOffers;
    format(extensions: Record<string, Record<string, unknown>[]>): string;
  };

  export const subprotocol: {
    /** @throws SyntaxError */
    parse(header: string): Set<string>;
  };
}
