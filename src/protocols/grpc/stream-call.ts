/**
 * One streaming call to a gRPC upstream. The trap: a status in the head counts only where the head is all there is; a body behind it makes
 * the answer no gRPC at all.
 */
import { EnvelopedCall } from "../shared/enveloped-call.ts";
import { readGrpcStatus } from "../shared/grpc-status.ts";
import { errorOfHttpStatus } from "./errors.ts";
import { readResponseHead, type ResponseHead } from "./response-head.ts";

export class StreamCall extends EnvelopedCall {
  private httpStatus = 0;
  private head: ResponseHead | undefined;

  protected readHead(httpStatus: number, headers: readonly string[]): ResponseHead | undefined {
    this.httpStatus = httpStatus;
    const head = (this.head = readResponseHead(headers));
    return head.status !== undefined || !head.isGrpc ? undefined : head;
  }

  protected atEnd(trailers: readonly string[] | undefined): void {
    const { head } = this;
    const status = trailers !== undefined ? readGrpcStatus(trailers) : this.strayBytes === 0 ? head?.status : undefined;
    if (status === undefined || head?.isGrpc !== true) this.fail(status?.error ?? errorOfHttpStatus(this.httpStatus, head?.isGrpc));
    else this.settle(this.withReason(status));
  }
}
