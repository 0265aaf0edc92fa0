/** Figures of one connection that delivers something, from the browser's own statistics. */
export interface Delivery {
  /** Types of the selected candidate pair. */
  local: string;
  remote: string;
  framesDecoded: number;
  totalAudioEnergy: number;
  audioPacketsReceived: number;
}

export type Snapshot = Delivery[];

interface Watched {
  __connections?: RTCPeerConnection[];
}

/** Runs in the page before its own code: keeps a list of its connections, so that tests need not trust the page's. */
export function watchConnections(): void {
  const kept: RTCPeerConnection[] = [];
  (window as Watched).__connections = kept;
  const Original = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Original {
    constructor(configuration?: RTCConfiguration) {
      super(configuration);
      kept.push(this);
    }
  };
}

/** Runs in the page: what each live connection receives and over which pair. */
export async function snapshot(): Promise<Snapshot> {
  const all = (window as Watched).__connections ?? [];
  const live = all.filter((c) => c.connectionState === "connected");
  return Promise.all(
    live.map(async (connection) => {
      const delivery = {
        local: "",
        remote: "",
        framesDecoded: 0,
        totalAudioEnergy: 0,
        audioPacketsReceived: 0,
      };
      const stats = await connection.getStats();
      // biome-ignore lint/suspicious/noExplicitAny: the browser's statistics have no useful type in TypeScript's library
      const byId = new Map<string, any>();
      stats.forEach((s) => {
        byId.set(s.id, s);
      });
      for (const s of byId.values()) {
        if (s.type === "inbound-rtp" && s.kind === "video") delivery.framesDecoded += s.framesDecoded ?? 0;
        if (s.type === "inbound-rtp" && s.kind === "audio") {
          delivery.totalAudioEnergy += s.totalAudioEnergy ?? 0;
          delivery.audioPacketsReceived += s.packetsReceived ?? 0;
        }
        if (s.type === "transport" && s.selectedCandidatePairId) {
          const pair = byId.get(s.selectedCandidatePairId);
          delivery.local = byId.get(pair?.localCandidateId)?.candidateType ?? "";
          delivery.remote = byId.get(pair?.remoteCandidateId)?.candidateType ?? "";
        }
      }
      return delivery;
    }),
  );
}
