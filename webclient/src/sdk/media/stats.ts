/** The figures that the page shows: per peer, continuous over hand-overs. */

import type { OfficeStats, Path, PeerStats, Topology, Way } from "../types";
import { type Monitor, noTotals } from "./monitor";

/** Audio statistics count at the decoder's clock. */
const SAMPLES_PER_MS = 48;

function pathOf(way: Way, path: Path): Path {
  if (way === "p2p" || path === "none") return path;
  return path === "relay" ? "sfu-relay" : "sfu";
}

/** One peer's figures. `way` is the way that its media is taken from now. */
export function peerStats(monitor: Monitor, user: string, way: Way): PeerStats {
  const audio = monitor.totals(user, "mic") ?? noTotals;
  const video = monitor.totals(user, "camera") ?? noTotals;
  const route = monitor.route(user, way);
  return {
    user_id: user,
    path: pathOf(way, route.path),
    transport: route.transport,
    rttMs: route.rttMs,
    audio: {
      way: audio.way,
      packetsReceived: audio.packets,
      packetsLost: audio.lost,
      jitterMs: audio.latest.jitterMs,
      totalAudioEnergy: audio.energy,
      concealedSamples: audio.concealed,
      concealedMs: audio.concealed / SAMPLES_PER_MS,
      level: audio.latest.level,
    },
    video: {
      way: video.way,
      packetsReceived: video.packets,
      packetsLost: video.lost,
      jitterMs: video.latest.jitterMs,
      framesDecoded: video.frames,
      freezeCount: video.freezes,
      totalFreezesMs: video.freezesMs,
      longestGapMs: video.longestGapMs,
      width: video.latest.width,
      height: video.latest.height,
    },
  };
}

/** Everybody's figures. */
export function officeStats(
  monitor: Monitor,
  users: Iterable<string>,
  wayOf: (user: string) => Way,
  topology: Topology,
): OfficeStats {
  return { at: Date.now(), topology, peers: [...users].map((user) => peerStats(monitor, user, wayOf(user))) };
}
