import type { RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { Tile } from "../map/carrier";
import type { Point } from "../map/grid";
import { isTyping } from "../map/keys";
import { Stage } from "../map/stage";
import { doorRefusal, isClosed } from "../office/refusals";
import type { Visit } from "../office/visit";

interface Options {
  visit: Visit;
  canvas: RefObject<HTMLCanvasElement | null>;
  /** Takes the keys. */
  map: RefObject<HTMLElement | null>;
  tiles: ReadonlyMap<string, Tile>;
  /** Pictures beside the avatars. */
  bubbles: boolean;
  /** Walk into this zone after arriving: an id or a name. */
  wantedZone: string;
  onPerson(userId: string, at: Point): void;
}

/** The map in motion, for as long as the visit is in this world as it is drawn. */
export function useStage(o: Options): RefObject<Stage | null> {
  const { visit, canvas, map, tiles, bubbles, wantedZone } = o;
  const { office, interaction } = visit;
  const { grid, arrived } = visit.state;
  const stage = useRef<Stage>(null);
  const latest = useRef(o);
  latest.current = o;
  const greeted = useRef(false);

  useEffect(() => {
    if (!canvas.current || !grid || !arrived) return;
    const made: Stage = new Stage({
      canvas: canvas.current,
      office,
      grid,
      tiles,
      insets: { top: 76, right: 16, bottom: 116, left: 16 },
      onRefused(zoneId, error) {
        interaction.cancel();
        visit.refused(doorRefusal(grid.zone(zoneId), office.role, error));
        return isClosed(error);
      },
      onWalk: () => interaction.cancel(),
      onThing: (object) => interaction.use(object),
      onPerson: (userId, at) => latest.current.onPerson(userId, at),
      onStep: () => interaction.step(),
      near: () => (interaction.offer?.end ? undefined : interaction.offer?.object.object_id),
    });
    stage.current = made;
    const detach = interaction.attach(made);
    visit.map = made;
    if (!greeted.current) {
      greeted.current = true;
      map.current?.focus({ preventScroll: true });
      const wish = wantedZone.toLowerCase();
      const target = wish && grid.world.zones.find((z) => z.zone_id === wish || z.name.toLowerCase() === wish);
      if (target) made.walkToZone(target.zone_id);
    }
    return () => {
      visit.map = undefined;
      detach();
      made.close();
      stage.current = null;
    };
  }, [visit, grid, arrived, office, interaction, canvas, map, tiles, wantedZone]);

  useEffect(() => {
    if (stage.current) stage.current.bubbles = bubbles;
  });

  useEffect(() => {
    const key = (event: KeyboardEvent) => {
      if (isTyping(event) || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
      if (event.code === "KeyM") void visit.setMic(!visit.media.state.mic);
      if (event.code === "KeyV") void visit.setCamera(!visit.media.state.camera);
      if (event.code === "KeyE") interaction.press();
    };
    window.addEventListener("keydown", key);
    return () => window.removeEventListener("keydown", key);
  }, [visit, interaction]);

  return stage;
}
