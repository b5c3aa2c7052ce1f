/**
 * grpc.reflection.v1 and v1alpha over a descriptor set: the two differ in name only.
 *
 * A file is answered together with everything it imports, so that a client needs one question. Files are sent in the
 * bytes they were compiled to, custom options included.
 */
import { toBinary } from "@bufbuild/protobuf";
import { type FileDescriptorProto, FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { type ServerDuplexStream, type ServiceDefinition, status, type UntypedServiceImplementation } from "@grpc/grpc-js";
import { decodeMessage, encodeMessage, files, messageNamed, registry } from "./shop-schema.ts";

interface ReflectionRequest {
  readonly fileByFilename?: string;
  readonly fileContainingSymbol?: string;
  readonly fileContainingExtension?: { readonly containingType: string; readonly extensionNumber: number };
  readonly allExtensionNumbersOfType?: string;
  readonly listServices?: string;
}

const byName = new Map(files.map((file) => [file.name, file]));

/** The file named `name` and all it imports, each once. */
function closure(name: string, seen = new Set<string>()): FileDescriptorProto[] {
  const file = byName.get(name);
  if (file === undefined || seen.has(name)) return [];
  seen.add(name);
  return [file, ...file.dependency.flatMap((imported) => closure(imported, seen))];
}

function filesAnswer(name: string | undefined, what: string): object {
  const found = name === undefined ? [] : closure(name);
  if (found.length === 0) return { errorResponse: { errorCode: status.NOT_FOUND, errorMessage: `not found: ${what}` } };
  const encoded = found.map((file) => Buffer.from(toBinary(FileDescriptorProtoSchema, file)).toString("base64"));
  return { fileDescriptorResponse: { fileDescriptorProto: encoded } };
}

/** The file that declares a message, enum, service, extension, or a method or field of one. */
function fileOfSymbol(symbol: string): string | undefined {
  for (let name = symbol; name !== ""; name = name.slice(0, Math.max(0, name.lastIndexOf(".")))) {
    const file = registry.get(name)?.file.proto.name;
    if (file !== undefined) return file;
  }
  return undefined;
}

function extensionNumbers(type: string): number[] {
  return [...registry].flatMap((one) => (one.kind === "extension" && one.extendee.typeName === type ? [one.number] : []));
}

function answer(request: ReflectionRequest, services: readonly string[]): object {
  if (request.listServices !== undefined) return { listServicesResponse: { service: services.map((name) => ({ name })) } };
  if (request.fileByFilename !== undefined) return filesAnswer(request.fileByFilename, request.fileByFilename);
  if (request.fileContainingSymbol !== undefined) {
    return filesAnswer(fileOfSymbol(request.fileContainingSymbol), request.fileContainingSymbol);
  }
  if (request.fileContainingExtension !== undefined) {
    const { containingType, extensionNumber } = request.fileContainingExtension;
    const extension = [...registry].find(
      (one) => one.kind === "extension" && one.extendee.typeName === containingType && one.number === extensionNumber,
    );
    return filesAnswer(extension?.file.proto.name, `extension ${extensionNumber} of ${containingType}`);
  }
  if (request.allExtensionNumbersOfType !== undefined) {
    const baseTypeName = request.allExtensionNumbersOfType;
    return { allExtensionNumbersResponse: { baseTypeName, extensionNumber: extensionNumbers(baseTypeName) } };
  }
  return { errorResponse: { errorCode: status.INVALID_ARGUMENT, errorMessage: "the request asks nothing" } };
}

/** Both versions, for a server that offers `services`. */
export function reflectionServices(services: readonly string[]): [ServiceDefinition, UntypedServiceImplementation][] {
  const requestType = messageNamed("grpc.reflection.v1.ServerReflectionRequest");
  const replyType = messageNamed("grpc.reflection.v1.ServerReflectionResponse");
  const listed = [...services, "grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"];
  const implementation: UntypedServiceImplementation = {
    ServerReflectionInfo(call: ServerDuplexStream<object, object>): void {
      call.on("data", (request: object) => call.write({ originalRequest: request, ...answer(request, listed) }));
      call.on("end", () => call.end());
    },
  };
  return ["v1", "v1alpha"].map((version) => [
    {
      ServerReflectionInfo: {
        path: `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`,
        requestStream: true,
        responseStream: true,
        requestSerialize: (json: object) => encodeMessage(requestType, json),
        requestDeserialize: (bytes: Buffer) => decodeMessage(requestType, bytes),
        responseSerialize: (json: object) => encodeMessage(replyType, json),
        responseDeserialize: (bytes: Buffer) => decodeMessage(replyType, bytes),
      },
    },
    implementation,
  ]);
}
