import type { Peer } from "./types";

/** Loudness of the peers from 0 to 1 by user_id, as the connections' receivers tell it. */
export function levelsOf(
  peers: ReadonlyMap<string, Peer>,
  connections: Iterable<RTCPeerConnection>,
): Map<string, number> {
  const byTrack = new Map<string, number>();
  for (const pc of connections) {
    for (const receiver of pc.getReceivers()) {
      if (receiver.track.kind !== "audio") continue;
      const level = receiver.getSynchronizationSources?.()[0]?.audioLevel;
      if (level !== undefined) byTrack.set(receiver.track.id, level);
    }
  }
  const levels = new Map<string, number>();
  for (const [id, peer] of peers) {
    levels.set(id, peer.mutedUntil !== null ? 0 : (byTrack.get(peer.media.mic.track?.id ?? "") ?? 0));
  }
  return levels;
}
