import { useEffect, useState } from "preact/hooks";
import type { Office, OfficeStats, Path, PeerStats } from "../../sdk";
import { useOfficeEvents } from "./hooks";
import { DirectIcon, RelayIcon, ServerIcon } from "./icons";

const WAYS = {
  P2P_DIRECT: { label: "Direct", icon: DirectIcon, text: "Sound and pictures go straight from person to person." },
  P2P_TURN: {
    label: "Relayed",
    icon: RelayIcon,
    text: "Some cannot reach each other directly: the server passes their sound and pictures on, unopened.",
  },
  SFU: {
    label: "Through the server (SFU)",
    icon: ServerIcon,
    text: "There are enough people here that each sends once, and the server hands it to everyone.",
  },
} as const;

const PATHS: Record<Path, string> = {
  host: "direct, same network",
  srflx: "direct, through NAT",
  prflx: "direct, through NAT",
  relay: "relayed (TURN)",
  sfu: "server (SFU)",
  "sfu-relay": "server (SFU), relayed",
  none: "not connected yet",
};

/** How the zone's media travels right now, and for each person how exactly. */
export function Badge({ office }: { office: Office }) {
  useOfficeEvents(office, "topology", "zone", "peer-joined", "peer-left", "state");
  const [open, setOpen] = useState(false);
  const { media, changing } = office.topology;
  const way = WAYS[media];
  const Icon = way.icon;
  const alone = office.peers.size === 0;
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: hovering only shows what the button inside shows too
    <div class="badge-holder" onMouseEnter={() => setOpen(true)} onMouseLeave={() => setOpen(false)}>
      <button
        type="button"
        class={`badge ${media.toLowerCase()}${changing ? " changing" : ""}`}
        data-topology={media}
        data-changing={changing ?? ""}
        aria-expanded={open}
        aria-describedby="badge-details"
        onClick={() => setOpen(true)}
        onFocus={() => setOpen(true)}
        onBlur={() => setOpen(false)}
      >
        <Icon />
        <span aria-live="polite">{changing ? "switching…" : way.label}</span>
      </button>
      <div id="badge-details" class="popover" role="tooltip" hidden={!open}>
        <p>
          <strong>{way.label}.</strong> {alone ? "Nobody else is in this zone." : way.text}
          {changing === "SFU" && " Moving to the server now; nothing is interrupted."}
          {changing === "P2P" && " Moving back to direct connections now; nothing is interrupted."}
        </p>
        {open && !alone && <Details office={office} />}
      </div>
    </div>
  );
}

/** Asks for figures once a second, only while someone looks at them. */
function Details({ office }: { office: Office }) {
  const [stats, setStats] = useState<OfficeStats>();
  useEffect(() => {
    let stop = false;
    let timer: ReturnType<typeof setTimeout>;
    const ask = async () => {
      const next = await office.stats().catch(() => undefined);
      if (stop) return;
      if (next) setStats(next);
      timer = setTimeout(ask, 1000);
    };
    void ask();
    return () => {
      stop = true;
      clearTimeout(timer);
    };
  }, [office]);
  if (!stats) return <p class="dim">Measuring…</p>;
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">Person</th>
          <th scope="col">Path</th>
          <th scope="col">Round trip</th>
          <th scope="col">Lost</th>
        </tr>
      </thead>
      <tbody>
        {stats.peers.map((p) => (
          <tr key={p.user_id}>
            <td>{office.peers.get(p.user_id)?.user.display_name ?? "…"}</td>
            <td>
              {PATHS[p.path]}
              {p.path !== "none" && p.transport ? <span class="dim"> {p.transport.toUpperCase()}</span> : null}
            </td>
            <td>{p.rttMs === undefined ? "–" : p.rttMs < 1 ? "< 1 ms" : `${Math.round(p.rttMs)} ms`}</td>
            <td>{lost(p)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function lost(p: PeerStats): string {
  const missing = p.audio.packetsLost + p.video.packetsLost;
  const all = missing + p.audio.packetsReceived + p.video.packetsReceived;
  return all === 0 ? "–" : `${((100 * missing) / all).toFixed(1)} %`;
}
