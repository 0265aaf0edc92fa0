/** Reads the browser's statistics (RTCStatsReport) into the few figures that the SDK uses. Pure. */
import type { Path } from "../types";

/** Counters of one received track. Times in ms. */
export interface Inbound {
  readonly packets: number;
  readonly lost: number;
  readonly jitterMs: number;
  readonly frames: number;
  readonly energy: number;
  /** Samples that the jitter buffer played and had not received, silence included. */
  readonly concealed: number;
  /** Samples that left the jitter buffer. */
  readonly emitted: number;
  readonly level: number;
  readonly freezes: number;
  readonly freezesMs: number;
  readonly width: number;
  readonly height: number;
}

export const nothing: Inbound = {
  packets: 0,
  lost: 0,
  jitterMs: 0,
  frames: 0,
  energy: 0,
  concealed: 0,
  emitted: 0,
  level: 0,
  freezes: 0,
  freezesMs: 0,
  width: 0,
  height: 0,
};

/** The selected candidate pair. */
export interface Route {
  readonly path: Path;
  readonly transport: string;
  readonly rttMs: number | undefined;
}

export const noRoute: Route = { path: "none", transport: "", rttMs: undefined };

export interface Reading {
  /** By the section's mid. */
  readonly inbound: ReadonlyMap<string, Inbound>;
  readonly route: Route;
}

type Entry = Record<string, unknown> & { id: string; type: string };

const number = (v: unknown): number => (typeof v === "number" && Number.isFinite(v) ? v : 0);

function readInbound(e: Entry): Inbound {
  return {
    packets: number(e.packetsReceived),
    lost: number(e.packetsLost),
    jitterMs: number(e.jitter) * 1000,
    frames: number(e.framesDecoded),
    energy: number(e.totalAudioEnergy),
    concealed: number(e.concealedSamples),
    emitted: number(e.jitterBufferEmittedCount),
    level: number(e.audioLevel),
    freezes: number(e.freezeCount),
    freezesMs: number(e.totalFreezesDuration) * 1000,
    width: number(e.frameWidth),
    height: number(e.frameHeight),
  };
}

function readRoute(entries: ReadonlyMap<string, Entry>): Route {
  let pair: Entry | undefined;
  for (const e of entries.values()) {
    if (e.type === "transport" && typeof e.selectedCandidatePairId === "string") {
      pair = entries.get(e.selectedCandidatePairId) ?? pair;
    }
  }
  if (!pair) {
    // Firefox has no selectedCandidatePairId.
    for (const e of entries.values()) if (e.type === "candidate-pair" && e.selected === true) pair = e;
  }
  if (!pair) return noRoute;
  const local = entries.get(String(pair.localCandidateId));
  const remote = entries.get(String(pair.remoteCandidateId));
  const relayed = local?.candidateType === "relay" || remote?.candidateType === "relay";
  const rtt = pair.currentRoundTripTime;
  return {
    path: relayed ? "relay" : ((local?.candidateType as Path | undefined) ?? "none"),
    // What the client's own packets travel by: to the relay where there is one.
    transport: String(local?.relayProtocol ?? local?.protocol ?? ""),
    rttMs: typeof rtt === "number" ? rtt * 1000 : undefined,
  };
}

export function readReport(report: RTCStatsReport): Reading {
  const entries = new Map<string, Entry>();
  const inbound = new Map<string, Inbound>();
  report.forEach((e: Entry) => {
    entries.set(e.id, e);
    if (e.type !== "inbound-rtp" || typeof e.mid !== "string") return;
    // A section may have had several SSRCs; the one with the most packets is the live one.
    const next = readInbound(e);
    if (next.packets >= (inbound.get(e.mid)?.packets ?? 0)) inbound.set(e.mid, next);
  });
  return { inbound, route: readRoute(entries) };
}
