import type { Visitor } from "./browser";
import { until } from "./until";
import type { Delivery, Snapshot } from "./webrtc";

/** The connection that delivers enough to count as seeing and hearing. */
export function pick(all: Snapshot): Delivery {
  const one = all.find((d) => d.framesDecoded > 30 && d.totalAudioEnergy > 0);
  if (!one) throw new Error(JSON.stringify(all));
  return one;
}

/** Every one of these decodes and hears every other, by that way. */
export async function allReceive(visitors: Visitor[], way: "p2p" | "sfu", moreFrames = 10): Promise<void> {
  await Promise.all(
    visitors.map(async (v) => {
      const first = new Map<string, number>();
      await until(
        `${v.name} receives ${visitors.length - 1} others by ${way}`,
        async () => {
          const peers = (await v.stats())?.peers ?? [];
          for (const p of peers) {
            if (!first.has(p.user_id) && p.video.way === way) first.set(p.user_id, p.video.framesDecoded);
          }
          const good = peers.filter(
            (p) =>
              p.video.way === way &&
              p.audio.way === way &&
              p.video.framesDecoded >= (first.get(p.user_id) ?? Number.POSITIVE_INFINITY) + moreFrames &&
              p.audio.totalAudioEnergy > 0,
          );
          if (good.length !== visitors.length - 1) {
            throw new Error(
              JSON.stringify(peers.map((p) => [p.path, p.video.way, p.video.framesDecoded, p.audio.way])),
            );
          }
          return true;
        },
        { every: 250 }, // statistics cost a page more than most questions
      );
    }),
  );
}
