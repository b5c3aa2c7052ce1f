/** What an admin page is asked, and what it answers. */

export interface Asked {
  /** The asker may see more than yes or no. */
  readonly trusted: boolean;
  /** Behind the `?`; "" for none. */
  readonly query: string;
  readonly accept: string;
}

export interface Page {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

export function json(status: number, value: unknown): Page {
  return { status, contentType: "application/json", body: `${JSON.stringify(value, undefined, 2)}\n` };
}
