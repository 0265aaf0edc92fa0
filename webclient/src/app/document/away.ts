/** So long out of sight one counts as away. */
export const AWAY_MS = 60_000;

export interface AwayOptions {
  /** Whether the page is out of sight. */
  hidden(): boolean;
  /** What one says of oneself. */
  status(): string;
  tell(status: string): void;
}

/** Says `away` while the page has been out of sight for a while, and takes it back; what one chose oneself stays. */
export class AutoAway {
  private readonly o: AwayOptions;
  private away = false;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: AwayOptions) {
    this.o = options;
  }

  /** The page came into sight or went out of it. */
  look(): void {
    clearTimeout(this.timer);
    if (this.o.hidden()) {
      this.timer = setTimeout(() => {
        if (this.o.status() !== "online") return;
        this.away = true;
        this.o.tell("away");
      }, AWAY_MS);
      return;
    }
    if (this.away && this.o.status() === "away") this.o.tell("online");
    this.away = false;
  }

  close(): void {
    clearTimeout(this.timer);
  }
}
