/**
 * The policies, in the order in which they run, outermost first. Configuration switches them on and sets them; it cannot reorder them.
 *
 * To add one: its file, its line here with the reason of its place, its page in docs/policies; test/contracts runs over this list.
 */
import { accessLog } from "./access-log.ts";
import { authenticate } from "./authenticate.ts";
import { authorize } from "./authorize.ts";
import { circuitBreaker } from "./circuit-breaker.ts";
import { credentials } from "./credentials.ts";
import { deadline } from "./deadline.ts";
import { externalAuth } from "./external-auth.ts";
import { fallback } from "./fallback.ts";
import { fault } from "./fault.ts";
import { hedge } from "./hedge.ts";
import { metrics } from "./metrics.ts";
import type { Policy } from "./policy.ts";
import { rescue } from "./rescue.ts";
import { retry } from "./retry.ts";
import { shed } from "./shed.ts";
import { timeout } from "./timeout.ts";
import { trace } from "./trace.ts";

export const policies: readonly Policy[] = [
  rescue, // outermost: the only place where an unknown throw becomes an answer
  trace, // before all that can refuse, so that a refusal has a trace id too
  metrics, // sees refusals, and one call as one row however often it is tried
  accessLog, // beside metrics, for the same reason; after trace, whose id it writes
  timeout, // sets the bound before anything waits
  deadline, // enforces the bound on all the work that follows
  shed, // before authentication: cryptography is the first costly thing that an overloaded proxy would do
  authenticate, // before all that depends on who it is; within the bound, because an issuer may have to be asked
  authorize, // by who it is, so behind authenticate; before all that a call may use up
  externalAuth, // after what is decided here for nothing, because it costs a round trip
  fallback, // inside of what says who may call: a refusal is no failure of the service; outside of all that fails
  fault, // in the service's place, so that what stands in for the service is tried out too
  hedge, // outside of retry, which leaves the attempts of a hedged call alone
  retry, // the last for a call: what goes again goes through all that is for an attempt, and through nothing that was decided before
  circuitBreaker, // inside of whatever tries again, so that every attempt asks and is counted; before credentials, which may have to be fetched
  credentials, // innermost: what the upstream is shown goes to nobody else
];
