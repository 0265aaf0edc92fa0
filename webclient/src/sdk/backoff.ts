/** Waiting times between tries: exponential with a ceiling, and jitter so that a restarted server is not met by all at once. */
export class Backoff {
  private tries = 0;
  private readonly firstMs: number;
  private readonly ceilingMs: number;
  private readonly random: () => number;

  /** @param random gives a number in [0, 1); replaced in tests. */
  constructor(firstMs = 300, ceilingMs = 10_000, random: () => number = Math.random) {
    this.firstMs = firstMs;
    this.ceilingMs = ceilingMs;
    this.random = random;
  }

  /** How long to wait before the next try, in ms: between half and all of min(first * 2^tries, ceiling). */
  next(): number {
    const full = Math.min(this.firstMs * 2 ** this.tries, this.ceilingMs);
    // Beyond 2^16 the ceiling rules anyway; the count must not grow without end.
    this.tries = Math.min(this.tries + 1, 16);
    return full / 2 + (full / 2) * this.random();
  }

  reset(): void {
    this.tries = 0;
  }
}
