import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { expect } from "vitest";

export const RESULTS = new URL("../test-results/", import.meta.url).pathname;
/** What failures leave behind: a folder for each. */
export const FAILURES = join(RESULTS, "failures");

/** A page that bears witness when something fails. */
export interface Witness {
  readonly name: string;
  readonly page: Page;
  /** What its console said, and its uncaught errors. */
  readonly log: readonly string[];
}

/** The pages that are open. */
export const witnesses = new Set<Witness>();

/** How long a page that may hang is waited for. */
const PATIENCE_MS = 5000;

/** Runs in the page: its connections and what they carry, by the browser's statistics. */
async function mediaFigures(): Promise<string> {
  const lines: string[] = [];
  for (const [i, c] of ((window as { __connections?: RTCPeerConnection[] }).__connections ?? []).entries()) {
    lines.push(`connection ${i}: ${c.connectionState}, ICE ${c.iceConnectionState}, ${c.signalingState}`);
    if (c.connectionState === "closed") continue;
    (await c.getStats()).forEach((s) => {
      if (["inbound-rtp", "outbound-rtp", "media-source", "media-playout"].includes(s.type))
        lines.push(`  ${JSON.stringify(s)}`);
    });
  }
  return lines.join("\n");
}

const kept = new Set<string>();

/** Keeps a picture of every open page, what it shows in words, and what its console said; once for each reason. */
export async function keepEvidence(why: string): Promise<void> {
  if (kept.has(why)) return;
  kept.add(why);
  const of = expect.getState().currentTestName ?? "before the tests";
  const folder = join(FAILURES, `${of.slice(-70)} ${why.slice(0, 70)}`.replace(/[^\w]+/g, "-"));
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "why.txt"), `${new Date().toISOString()} ${of}\n${why}\n`);
  const seen = new Map<string, number>();
  const all = [...witnesses].map((w) => {
    // Several may have the same name.
    const nth = seen.get(w.name) ?? 0;
    seen.set(w.name, nth + 1);
    return { w, file: join(folder, nth === 0 ? w.name : `${w.name}-${nth + 1}`) };
  });
  await Promise.all(
    all.map(async ({ w, file }) => {
      const words = await w.page
        .locator("body")
        .innerText({ timeout: PATIENCE_MS })
        .catch((error) => `(${error})`);
      const media = await Promise.race([
        w.page.evaluate(mediaFigures).catch((error) => `(${error})`),
        new Promise<string>((resolve) => setTimeout(() => resolve("(no answer)"), PATIENCE_MS)),
      ]);
      writeFileSync(`${file}.log`, `${w.page.url()}\n\n${words}\n\n${w.log.join("\n")}\n\n${media}\n`);
      await w.page.screenshot({ path: `${file}.png`, timeout: PATIENCE_MS }).catch(() => undefined);
    }),
  );
}
