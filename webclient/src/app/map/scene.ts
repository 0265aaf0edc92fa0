import type { ZoneDescription } from "../../sdk";
import type { Backdrop } from "./backdrop";
import type { Camera } from "./camera";
import { drawClosedDoor, drawMark, drawObject, drawSeatOver, isSeat } from "./furniture";
import type { Grid, Point } from "./grid";
import { spread } from "./labels";
import { theme, zoneStyle } from "./palette";
import { drawName, drawPerson, type Look, type NameTag, nameTag } from "./person";
import { middleOf, seatFacing } from "./things";

/** Someone on the map in one frame. */
export interface Figure extends Point {
  look: Look;
  /** Drawn with the name underneath; a picture beside the avatar already carries it. */
  named: boolean;
}

/** Everything that one frame shows. */
export interface Frame {
  grid: Grid;
  ground: Backdrop;
  camera: Camera;
  time: number;
  zone: string;
  figures: Figure[];
  target: Point | undefined;
  /** The thing that the key would use. */
  near: string | undefined;
  /** The colour of who holds a thing, by object_id. */
  holders: ReadonlyMap<string, string>;
  /** Zones whose doors are closed to oneself. */
  closed: readonly ZoneDescription[];
}

interface Thing {
  y: number;
  draw: () => void;
}

/** Draws one frame: the ground, the zone one is in, then objects and people from north to south. */
export function drawFrame(pen: CanvasRenderingContext2D, frame: Frame): void {
  const { camera, ground } = frame;
  const { ratio, tile } = camera;
  const origin = camera.toScreen({ x: 0, y: 0 });
  pen.setTransform(1, 0, 0, 1, 0, 0);
  pen.fillStyle = theme().beyond;
  pen.fillRect(0, 0, pen.canvas.width, pen.canvas.height);
  const whole = (v: number) => Math.round(v * ratio);
  ground.draw(pen, whole(origin.x), whole(origin.y), whole(tile), frame.time * 1000);
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  drawZones(pen, frame);
  if (frame.target) drawTarget(pen, frame, frame.target);

  const visible = (p: Point) => {
    const s = camera.toScreen(p);
    return s.x > -2 * tile && s.y > -tile && s.x < camera.width + 2 * tile && s.y < camera.height + 3 * tile;
  };
  const things: Thing[] = [...objects(pen, frame, visible), ...doors(pen, frame, visible)];
  for (const figure of frame.figures) {
    if (!visible(figure)) continue;
    things.push({ y: figure.y, draw: () => at(pen, camera, figure, () => drawPerson(pen, figure.look, tile)) });
  }
  things.sort((a, b) => a.y - b.y);
  for (const thing of things) thing.draw();
  drawNames(
    pen,
    camera,
    frame.figures.filter((f) => f.named && visible(f)),
  );
}

/** Above all figures, and none above another. */
function drawNames(pen: CanvasRenderingContext2D, camera: Camera, figures: readonly Figure[]): void {
  const tags = figures.map(({ look }) => nameTag(pen, look, camera.tile));
  const drops = spread(
    figures.map((figure, i) => {
      const { x, y } = camera.toScreen(figure);
      const { top, width, height } = tags[i] as NameTag;
      return { x, y: y + top, width, height };
    }),
  );
  figures.forEach((figure, i) => {
    const tag = tags[i] as NameTag;
    at(pen, camera, figure, () => drawName(pen, figure.look, { ...tag, top: tag.top + (drops[i] ?? 0) }));
  });
}

function objects(pen: CanvasRenderingContext2D, frame: Frame, visible: (p: Point) => boolean): Thing[] {
  const { camera, grid } = frame;
  const { tile } = camera;
  const things: Thing[] = [];
  for (const object of grid.world.objects) {
    const center = middleOf(object);
    if (!visible(center)) continue;
    const type = grid.zone(object.zone_id)?.zone_type;
    const color = frame.holders.get(object.object_id);
    const seat = isSeat(object);
    const setting = {
      room: type === "MeetingRoom" || type === "PrivateRoom",
      facing: seat ? seatFacing(grid, object) : ("south" as const),
      used: color !== undefined,
    };
    const draw = () =>
      at(pen, camera, center, () => {
        // On a seat one sees who has it.
        if (color && !seat) drawMark(pen, tile, color, 0.9);
        else if (frame.near === object.object_id) drawMark(pen, tile, "#ffe28c", 0.6 + 0.3 * Math.sin(frame.time * 4));
        drawObject(pen, object, tile, setting);
      });
    // Whoever sits on a chair is before it, but for its back when it is seen from behind.
    things.push({ y: object.solid ? center.y + 0.3 : Math.floor(center.y), draw });
    if (seat && setting.facing === "north")
      things.push({ y: center.y + 0.2, draw: () => at(pen, camera, center, () => drawSeatOver(pen, tile)) });
  }
  return things;
}

function doors(pen: CanvasRenderingContext2D, frame: Frame, visible: (p: Point) => boolean): Thing[] {
  const { camera, grid } = frame;
  return frame.closed.flatMap((zone) =>
    grid.doorways(zone.zone_id).flatMap(({ x, y, side }) => {
      const along = side === "north" || side === "south";
      const edge = along
        ? { x: x + 0.5, y: side === "south" ? y + 1 : y }
        : { x: side === "east" ? x + 1 : x, y: y + 0.5 };
      const draw = () => at(pen, camera, edge, () => drawClosedDoor(pen, camera.tile, along));
      return visible(edge) ? [{ y: along ? edge.y - 0.05 : edge.y + 0.5, draw }] : [];
    }),
  );
}

function at(pen: CanvasRenderingContext2D, camera: Camera, p: Point, draw: () => void): void {
  const s = camera.toScreen(p);
  pen.save();
  pen.translate(s.x, s.y);
  draw();
  pen.restore();
}

/** Rooms that one is not in lie in shade, so that one sees at a glance who can hear whom. */
function drawZones(pen: CanvasRenderingContext2D, frame: Frame): void {
  const { camera, grid } = frame;
  for (const zone of grid.world.zones) {
    const here = zone.zone_id === frame.zone;
    const style = zoneStyle(zone.zone_type);
    for (const area of zone.areas) {
      const s = camera.toScreen(area);
      const w = area.width * camera.tile;
      const h = area.height * camera.tile;
      if (here) {
        // The zone of everything outside of rooms has no shape of its own to point out.
        if (zone.zone_type === "OpenArea") continue;
        pen.strokeStyle = style.accent;
        pen.globalAlpha = 0.35 + 0.12 * Math.sin(frame.time * 2);
        pen.lineWidth = 2;
        pen.strokeRect(s.x + 2, s.y + 2, w - 4, h - 4);
      } else {
        pen.fillStyle = theme().shade;
        pen.fillRect(s.x, s.y, w, h);
      }
      pen.globalAlpha = 1;
    }
  }
}

function drawTarget(pen: CanvasRenderingContext2D, frame: Frame, target: Point): void {
  const s = frame.camera.toScreen(target);
  const t = frame.camera.tile;
  const beat = (frame.time * 1.4) % 1;
  pen.lineWidth = 2.5;
  pen.strokeStyle = `rgba(255, 226, 140, ${0.9 - 0.7 * beat})`;
  pen.beginPath();
  pen.ellipse(s.x, s.y, t * (0.16 + 0.26 * beat), t * (0.08 + 0.13 * beat), 0, 0, Math.PI * 2);
  pen.stroke();
  pen.fillStyle = "rgba(255, 226, 140, 0.9)";
  pen.beginPath();
  pen.ellipse(s.x, s.y, t * 0.1, t * 0.05, 0, 0, Math.PI * 2);
  pen.fill();
}
