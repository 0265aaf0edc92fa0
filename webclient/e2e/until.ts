import { keepEvidence } from "./evidence";

/**
 * How long something is waited for that takes a moment on a quiet machine. Tests ask whether it comes; how soon is for
 * benchmarks, and the machine may be slow and busy.
 */
export const PATIENCE_MS = 45_000;

/** Asks until the answer is no longer undefined, null or false; fails with what was waited for when the time is up. */
export async function until<T>(
  what: string,
  ask: () => Promise<T | undefined | null | false>,
  { within = PATIENCE_MS, every = 100 }: { within?: number; every?: number } = {},
): Promise<T> {
  const end = Date.now() + within;
  let last: unknown;
  for (;;) {
    try {
      const answer = await ask();
      if (answer !== undefined && answer !== null && answer !== false) return answer;
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (Date.now() > end) {
      const why = last instanceof Error ? ` (${last.message})` : "";
      const error = new Error(`not within ${within} ms: ${what}${why}`);
      await keepEvidence(error.message); // now, while the pages are open
      throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, every));
  }
}
