/**
 * The gRPC proxy most people would write on Node: a grpc-js server that calls on with a grpc-js client, bytes untouched.
 *
 *   node relay.ts PORT BACKEND
 */
import * as grpc from "@grpc/grpc-js";

const [port = "0", backend = "127.0.0.1:50051"] = process.argv.slice(2);
const client = new grpc.Client(backend, grpc.credentials.createInsecure(), { "grpc.max_receive_message_length": -1 });
const same = (bytes: Buffer): Buffer => bytes;
const bytes = { requestSerialize: same, requestDeserialize: same, responseSerialize: same, responseDeserialize: same };
const unary = { path: "/helloworld.Greeter/SayHello", requestStream: false, responseStream: false, ...bytes } as const;
const stream = { path: "/bench.Orders/Watch", requestStream: false, responseStream: true, ...bytes } as const;

const server = new grpc.Server();
server.addService(
  { unary, stream },
  {
    unary(call: grpc.ServerUnaryCall<Buffer, Buffer>, answer: grpc.sendUnaryData<Buffer>) {
      client.makeUnaryRequest(unary.path, same, same, call.request, call.metadata, { deadline: call.getDeadline() }, (error, reply) =>
        answer(error, reply),
      );
    },
    stream(call: grpc.ServerWritableStream<Buffer, Buffer>) {
      const answers = client.makeServerStreamRequest(stream.path, same, same, call.request, call.metadata, {
        deadline: call.getDeadline(),
      });
      answers.on("data", (message: Buffer) => {
        if (call.write(message)) return;
        answers.pause();
        call.once("drain", () => answers.resume());
      });
      answers.on("end", () => call.end());
      answers.on("error", (error) => call.emit("error", error));
      call.on("cancelled", () => answers.cancel());
    },
  },
);
server.bindAsync(`127.0.0.1:${port}`, grpc.ServerCredentials.createInsecure(), (error) => {
  if (error !== null) throw error;
});
