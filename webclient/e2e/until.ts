/** Asks until the answer is no longer undefined, null or false; fails with what was waited for when the time is up. */
export async function until<T>(
  what: string,
  ask: () => Promise<T | undefined | null | false>,
  { within = 15_000, every = 100 }: { within?: number; every?: number } = {},
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
      throw new Error(`not within ${within} ms: ${what}${why}`);
    }
    await new Promise((resolve) => setTimeout(resolve, every));
  }
}
