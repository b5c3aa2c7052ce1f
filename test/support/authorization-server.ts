/** An authorization server as Envoy's API has it, made with grpc-js: it answers as the call's `x-decide` says, or as the test does. */
import { join } from "node:path";
import * as grpc from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";

export interface CheckedCall {
  readonly attributes: {
    readonly source: { readonly address: { readonly socket_address: { readonly address: string } }; readonly principal: string };
    readonly destination: { readonly service: string };
    readonly request: {
      readonly http: {
        readonly method: string;
        readonly path: string;
        readonly protocol: string;
        readonly body: string;
        readonly headers: Readonly<Record<string, string>>;
      };
    };
    readonly context_extensions: Readonly<Record<string, string>>;
  };
}

export interface AuthorizationServer {
  readonly url: string;
  readonly checked: readonly CheckedCall[];
  /** Questions that were given up by the asker. */
  readonly cancelled: () => number;
  stop(): Promise<void>;
}

const root = join(import.meta.dirname, "../..");

/** @param decide a `CheckResponse`; undefined: no answer at all */
export async function startAuthorizationServer(decide: (call: CheckedCall) => object | undefined): Promise<AuthorizationServer> {
  const definition = loadSync("envoy/service/auth/v3/external_auth.proto", {
    includeDirs: [join(root, "protos")],
    keepCase: true,
    defaults: true,
  });
  const loaded = grpc.loadPackageDefinition(definition) as unknown as {
    envoy: { service: { auth: { v3: { Authorization: grpc.ServiceClientConstructor } } } };
  };
  const checked: CheckedCall[] = [];
  let cancelled = 0;
  const server = new grpc.Server();
  server.addService(loaded.envoy.service.auth.v3.Authorization.service, {
    check(call: grpc.ServerUnaryCall<CheckedCall, object>, callback: grpc.sendUnaryData<object>) {
      checked.push(call.request);
      call.on("cancelled", () => cancelled++);
      const answer = decide(call.request);
      if (answer !== undefined) callback(null, answer);
    },
  });
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) => (error ? reject(error) : resolve(bound))),
  );
  return {
    url: `grpc://127.0.0.1:${port}`,
    checked,
    cancelled: () => cancelled,
    stop() {
      server.forceShutdown();
      return Promise.resolve();
    },
  };
}
