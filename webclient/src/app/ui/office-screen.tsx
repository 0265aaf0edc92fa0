import { useEffect, useMemo, useReducer, useRef, useState } from "preact/hooks";
import { DocumentPanel } from "../document/lazy";
import type { Tile } from "../map/carrier";
import type { Point } from "../map/grid";
import { zoneStyle } from "../map/palette";
import type { Visit } from "../office/visit";
import { Banners } from "./banners";
import { Bar } from "./bar";
import { Hint } from "./hint";
import { useNarrow, useOfficeEvents } from "./hooks";
import { People } from "./people";
import { PersonMenu } from "./person-menu";
import { Tiles } from "./tiles";
import { useStage } from "./use-stage";

interface Props {
  visit: Visit;
  /** Walk into this zone after arriving: an id or a name. */
  wantedZone: string;
  onLeave(): void;
}

export function OfficeScreen({ visit, wantedZone, onLeave }: Props) {
  const { office } = visit;
  const [, again] = useReducer((n: number, _: undefined) => n + 1, 0);
  useEffect(() => visit.subscribe(() => again(undefined)), [visit]);
  useOfficeEvents(office, "state", "zone");
  const { grid, arrived, notices, offer, document: open } = visit.state;

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
  const [menu, setMenu] = useState<{ userId: string; at: Point }>();
  const onPerson = (userId: string, at: Point) => setMenu({ userId, at });
  const stage = useStage({ visit, canvas, map, tiles, bubbles: !strip, wantedZone, onPerson });
  const walkTo = (id: string) => {
    const peer = office.peers.get(id);
    if (peer) stage.current?.walkTo(peer.position);
  };

  const style = zoneStyle(zone?.zone_type ?? "OpenArea");
  return (
    <>
      <div class={`office${people && !narrow ? " with-people" : ""}${open ? " beside-document" : ""}`}>
        <h1 class="hidden">Atrium, the office {grid?.world.name}</h1>
        <div
          class="map"
          ref={map}
          // biome-ignore lint/a11y/noNoninteractiveTabindex: the map takes the arrow keys, so it must take the focus
          tabIndex={0}
          role="application"
          aria-label="Map of the office. Walk with the arrow keys or W, A, S and D, or click where to go. E sits down or uses what is near. M switches the microphone, V the camera."
        >
          <canvas ref={canvas} />
        </div>
        {arrived && <Tiles office={office} playback={visit.playback} tiles={tiles} strip={strip} onPerson={onPerson} />}
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
          <People office={office} onWalkTo={walkTo} onPerson={onPerson} onClose={() => setPeople(false)} />
        )}
        {offer && <Hint offer={offer} onPress={() => visit.interaction.press()} />}
        {menu && (
          <PersonMenu key={menu.userId} visit={visit} {...menu} onWalkTo={walkTo} onClose={() => setMenu(undefined)} />
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
      {open && (
        <DocumentPanel
          key={open.documentId}
          office={office}
          worldId={office.worldId ?? ""}
          documentId={open.documentId}
          name={open.name}
          names={visit.names}
          onClose={() => visit.interaction.closeDocument()}
        />
      )}
    </>
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
