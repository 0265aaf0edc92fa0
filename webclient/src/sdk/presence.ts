import type { Presence } from "./types";

/** Presence goes out at most 15 times a second. */
export const MOVE_MS = 1000 / 15;

/** One's own presence on its way to the server: at most 15 times a second, the latest wins. */
export class PresenceSender {
  private readonly send: (presence: Presence) => void;
  private latest: Presence | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private sentAt = 0;

  constructor(send: (presence: Presence) => void) {
    this.send = send;
  }

  update(presence: Presence): void {
    this.latest = presence;
    this.timer ??= setTimeout(() => this.flush(), Math.max(0, this.sentAt + MOVE_MS - Date.now()));
  }

  /** Sends at once what still waits. */
  flush(): void {
    const latest = this.latest;
    this.drop();
    if (!latest) return;
    this.sentAt = Date.now();
    this.send(latest);
  }

  /** What still waits is not true any more. */
  drop(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.latest = null;
  }
}
