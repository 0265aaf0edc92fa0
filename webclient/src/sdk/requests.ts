import { OfficeError, type Problem, unanswered } from "./problem";
import type { Zone } from "./types";

/** The server answers a request within this time, or it counts as lost. */
export const ANSWER_MS = 10_000;

/** The requests that end in a zone. */
export type RequestType = "JOIN_WORLD" | "ZONE_TRANSITION";

const superseded: Problem = { code: "request-refused", message: "Another request took its place.", fatal: false };

interface Pending {
  readonly type: RequestType;
  resolve(zone: Zone): void;
  reject(e: OfficeError): void;
  readonly timer: ReturnType<typeof setTimeout>;
}

/** The one request that may be under way: a later one takes its place. */
export class Requests {
  private current: Pending | null = null;

  get pending(): RequestType | undefined {
    return this.current?.type;
  }

  /** `send` puts the request on the wire. Rejects with {@link OfficeError}. */
  begin(type: RequestType, send: () => void): Promise<Zone> {
    this.refuse(superseded);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.refuse(unanswered), ANSWER_MS);
      this.current = { type, resolve, reject, timer };
      send();
    });
  }

  /** The answer to a request of this type, if one is under way. */
  fulfil(type: RequestType, zone: Zone): void {
    if (this.current?.type === type) this.end()?.resolve(zone);
  }

  refuse(problem: Problem): void {
    this.end()?.reject(new OfficeError(problem));
  }

  private end(): Pending | null {
    const pending = this.current;
    this.current = null;
    clearTimeout(pending?.timer);
    return pending;
  }
}
