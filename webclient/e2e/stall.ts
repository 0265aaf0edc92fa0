import type { Visitor } from "./browser";

interface Stalling {
  __stall?: { stop(): number };
}

/** Pages of a small machine stall so long in any case (ms); what a longer stall adds is no doing of what is measured. */
const USUAL_MS = 200;

/** Runs in the page: for how long it was not drawn, or its own camera's picture in it did not change. */
function start(): void {
  let running = true;
  let longest = 0;
  const watch = (next: (again: () => void) => unknown) => {
    let last = performance.now();
    const seen = () => {
      if (!running) return;
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
      next(seen);
    };
    next(seen);
  };
  watch((again) => requestAnimationFrame(again));
  const own = document.querySelector<HTMLVideoElement>(".preview video");
  if (own?.srcObject) watch((again) => own.requestVideoFrameCallback(again));
  (window as Stalling).__stall = {
    stop() {
      running = false;
      return longest;
    },
  };
}

/** How long the machine kept each of several pages from doing anything, from the start to the end of a watch. */
export class Stalls {
  private readonly visitors: readonly Visitor[];

  private constructor(visitors: readonly Visitor[]) {
    this.visitors = visitors;
  }

  static async start(visitors: readonly Visitor[]): Promise<Stalls> {
    await Promise.all(visitors.map((v) => v.page.evaluate(start)));
    return new Stalls(visitors);
  }

  /** The longest stall of each, by the person's name. */
  async stop(): Promise<Map<string, number>> {
    const all = this.visitors.map(async (v): Promise<[string, number]> => {
      const ms = await v.page.evaluate(() => (window as Stalling).__stall?.stop() ?? 0);
      return [v.name, Math.round(ms)];
    });
    return new Map(await Promise.all(all));
  }
}

/** What a stall adds to a gap. */
export function added(stallMs: number): number {
  return Math.max(0, stallMs - USUAL_MS);
}
