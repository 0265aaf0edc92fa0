import { useEffect, useMemo, useReducer, useRef, useState } from "preact/hooks";
import { zoneStyle } from "../map/palette";
import { Stage, type Tile } from "../map/stage";
import type { Visit } from "../office/visit";
import { Banners } from "./banners";
import { Bar } from "./bar";
import { useNarrow, useOfficeEvents } from "./hooks";
import { People } from "./people";
import { Tiles } from "./tiles";

interface Props {
  visit: Visit;
  /** Walk into this zone after arriving: an id or a name. */
  wantedZone: string;
  onLeave(): void;
}

const REFUSALS: Record<string, string> = {
  full: "Everyone it has room for is already inside.",
  role: "It admits members, editors and admins, and you are here as a guest.",
  removed: "A moderator asked you to stay out of it for a while.",
};

export function OfficeScreen({ visit, wantedZone, onLeave }: Props) {
  const { office } = visit;
  const [, again] = useReducer((n: number, _: undefined) => n + 1, 0);
  useEffect(() => visit.subscribe(() => again(undefined)), [visit]);
  useOfficeEvents(office, "state", "zone");
  const { grid, arrived, notices } = visit.state;

  const narrow = useNarrow(720);
  const [people, setPeople] = useState(!narrow);
  const zone = grid && office.zone ? grid.zone(office.zone.zone_id) : undefined;
  const room = zone?.zone_type === "MeetingRoom" || zone?.zone_type === "PrivateRoom";
  // In a room one looks at faces, elsewhere at the map; whoever chose otherwise keeps it until the next zone.
  const [choice, setChoice] = useState<{ zone: string; strip: boolean }>();
  const strip = choice && choice.zone === zone?.zone_id ? choice.strip : room;

  const map = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const tiles = useMemo(() => new Map<string, Tile>(), [visit]);
  const stage = useRef<Stage>(undefined);

  useEffect(() => {
    if (!canvas.current || !grid || !arrived) return;
    const made = new Stage({
      canvas: canvas.current,
      office,
      grid,
      tiles,
      insets: { top: 76, right: 16, bottom: 116, left: 16 },
      onRefused: (zoneId, error) => visit.refused(...refusalOf(grid.zone(zoneId)?.name ?? "that zone", error)),
    });
    stage.current = made;
    visit.walkTo = (target) => made.walkTo(target);
    map.current?.focus({ preventScroll: true });
    const wish = wantedZone.toLowerCase();
    const target = wish && grid.world.zones.find((z) => z.zone_id === wish || z.name.toLowerCase() === wish);
    if (target) made.walkToZone(target.zone_id);
    return () => {
      visit.walkTo = undefined;
      made.close();
    };
  }, [visit, grid, arrived, office, tiles, wantedZone]);

  useEffect(() => {
    if (stage.current) stage.current.bubbles = !strip;
  });

  useEffect(() => {
    const key = (event: KeyboardEvent) => {
      const typing = (event.target as HTMLElement | null)?.closest("input, textarea, select");
      if (typing || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
      if (event.code === "KeyM") void visit.setMic(!visit.media.state.mic);
      if (event.code === "KeyV") void visit.setCamera(!visit.media.state.camera);
    };
    window.addEventListener("keydown", key);
    return () => window.removeEventListener("keydown", key);
  }, [visit]);

  const style = zoneStyle(zone?.zone_type ?? "OpenArea");
  return (
    <div class={`office${people && !narrow ? " with-people" : ""}`}>
      <h1 class="hidden">Atrium, the office {grid?.world.name}</h1>
      <div
        class="map"
        ref={map}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: the map takes the arrow keys, so it must take the focus
        tabIndex={0}
        role="application"
        aria-label="Map of the office. Walk with the arrow keys or W, A, S and D, or click where to go. M switches the microphone, V the camera."
      >
        <canvas ref={canvas} />
      </div>
      {arrived && <Tiles office={office} playback={visit.playback} tiles={tiles} strip={strip} />}
      {grid && arrived && (
        <header class="place panel" style={{ "--accent": style.accent }}>
          <span class="world">{grid.world.name}</span>
          <strong aria-live="polite">{zone?.name ?? "…"}</strong>
          <span class="dim">{style.label}</span>
        </header>
      )}
      <Banners state={office.state} arrived={arrived} notices={notices} onDismiss={(n) => visit.dismiss(n.key)} />
      {!arrived && <Arriving state={office.state} reason={office.reason} onLeave={onLeave} />}
      {arrived && people && (
        <People
          office={office}
          onWalkTo={(id) => {
            const peer = office.peers.get(id);
            if (peer) stage.current?.walkTo(peer.position);
          }}
          onClose={() => setPeople(false)}
        />
      )}
      {arrived && (
        <Bar
          visit={visit}
          strip={strip}
          onStrip={(on) => setChoice({ zone: zone?.zone_id ?? "", strip: on })}
          people={people}
          onPeople={setPeople}
          onLeave={onLeave}
        />
      )}
    </div>
  );
}

function Arriving({ state, reason, onLeave }: { state: string; reason: string; onLeave(): void }) {
  return (
    <div class="arriving" role="status">
      <div class="card">
        <span class="spinner large" aria-hidden="true" />
        <p>{state === "connected" ? "Finding you a place…" : reason || "Opening the door…"}</p>
        <button type="button" class="small" onClick={onLeave}>
          Cancel
        </button>
      </div>
    </div>
  );
}

/** Why a door stays closed, from what the server says. */
function refusalOf(name: string, error: unknown): [string, unknown] {
  const problem = (error as { problem?: { serverCode?: string; details?: Record<string, unknown> } }).problem;
  const reason = String(problem?.details?.reason ?? "");
  const known = Object.entries(REFUSALS).find(([word]) => reason.includes(word))?.[1];
  return [`You cannot enter ${name}`, known ? new Error(known) : error];
}
