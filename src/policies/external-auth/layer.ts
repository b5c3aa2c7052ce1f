/** The layer of `external-auth`: asked once for each call, before anything of it goes on. */
import type { Call } from "../../core/call.ts";
import { CallError } from "../../core/call-error.ts";
import type { Layer } from "../../core/handler.ts";
import type { Reply } from "../../core/reply.ts";
import { AuthorizationClient, type CheckResponse } from "../../identity/authorization-api.ts";
import { LimitedLog } from "../../telemetry/limited-log.ts";
import type { Services } from "../policy.ts";
import { checkRequest } from "./check-request.ts";
import { applyTo, refusalOf } from "./check-response.ts";

interface Settings {
  readonly server: string;
  readonly timeoutMs: number;
  readonly failOpen: boolean;
  readonly bodyBytes?: number | undefined;
  readonly context: Readonly<Record<string, string>>;
}

export function askingOutside({ server, timeoutMs, failOpen, bodyBytes, context }: Settings, services: Services): Layer {
  const { clock, timers, logger, metrics } = services;
  const client = new AuthorizationClient(services.dial(server), clock, timers);
  const log = new LimitedLog(logger, clock);
  const allowed = metrics.policies.of("external-auth", "allowed");
  const denied = metrics.policies.of("external-auth", "denied");
  const unanswered = metrics.policies.of("external-auth", failOpen ? "unanswered-allowed" : "unanswered");
  let noted = false;

  async function ask(call: Call): Promise<void> {
    let response: CheckResponse;
    try {
      response = await client.check(checkRequest(call, { bodyBytes, context, wallMs: clock.wallMs() }), timeoutMs, call);
    } catch (error) {
      call.throwIfCancelled();
      unanswered.count++;
      const { reason, code } = CallError.of(error);
      log.warn("the authorization server gave no answer", { id: call.id, method: call.method.path.slice(0, 256), server, reason, code });
      if (failOpen) return;
      throw new CallError("EXTERNAL_AUTH_UNAVAILABLE", undefined, { cause: error });
    }
    call.throwIfCancelled();
    if (!noted && (response.dynamicMetadata !== undefined || response.okResponse?.responseHeadersToAdd !== undefined)) {
      noted = true;
      logger.info("dynamic_metadata and response_headers_to_add of the authorization server are not used", { server });
    }
    const refusal = refusalOf(response);
    if (refusal !== undefined) {
      denied.count++;
      log.warn("the authorization server refused a call", {
        id: call.id,
        method: call.method.path.slice(0, 256),
        peer: call.caller.address,
      });
      throw refusal;
    }
    allowed.count++;
    applyTo(call, response);
  }

  return (next) =>
    (call): Promise<Reply> =>
      ask(call).then(() => next(call));
}
