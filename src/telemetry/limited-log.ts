/** Lines that callers can bring about: ten a second at most, with how many were left out, because a log can be filled on purpose. */
import type { Clock } from "../core/clock.ts";
import type { Logger } from "../core/logger.ts";

type Fields = Readonly<Record<string, unknown>>;

const perSecond = 10;

export class LimitedLog {
  private readonly logger: Logger;
  private readonly clock: Clock;
  private second = 0;
  private logged = 0;
  private suppressed = 0;

  constructor(logger: Logger, clock: Clock) {
    this.logger = logger;
    this.clock = clock;
  }

  warn(message: string, fields: Fields): void {
    if (this.admits()) this.logger.warn(message, this.counted(fields));
  }

  error(message: string, fields: Fields): void {
    if (this.admits()) this.logger.error(message, this.counted(fields));
  }

  private admits(): boolean {
    const now = Math.floor(this.clock.nowMs() / 1000);
    if (now !== this.second) {
      this.second = now;
      this.logged = 0;
    }
    if (this.logged >= perSecond) {
      this.suppressed++;
      return false;
    }
    this.logged++;
    return true;
  }

  private counted(fields: Fields): Fields {
    const { suppressed } = this;
    this.suppressed = 0;
    return suppressed === 0 ? fields : { ...fields, suppressed };
  }
}
