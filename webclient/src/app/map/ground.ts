import type { Grid } from "./grid";
import { theme, zoneStyle } from "./palette";

/** A small steady pseudo-random number per tile, so that the floor looks the same at every draw. */
function grain(x: number, y: number): number {
  let h = (x * 374761393 + y * 668265263) >>> 0;
  h = ((h ^ (h >> 13)) * 1274126177) >>> 0;
  return ((h ^ (h >> 16)) & 1023) / 1023;
}

type Pen = CanvasRenderingContext2D;

function floorTile(pen: Pen, grid: Grid, x: number, y: number, t: number): void {
  const zone = grid.zone(grid.zoneIdAt(x, y));
  const style = zoneStyle(zone?.zone_type ?? "OpenArea");
  const px = x * t;
  const py = y * t;
  const g = grain(x, y);
  pen.fillStyle = style.floor;
  pen.fillRect(px, py, t + 1, t + 1);
  switch (style.texture) {
    case "planks": {
      // Two boards per tile; the butt joints are staggered from row to row.
      for (let row = 0; row < 2; row++) {
        const shift = grain(x + row * 7, y * 2 + row);
        pen.fillStyle = shift > 0.5 ? style.floorAlt : style.floor;
        pen.fillRect(px, py + (row * t) / 2, t + 1, t / 2);
        pen.fillStyle = style.line;
        pen.fillRect(px, py + (row * t) / 2, t + 1, Math.max(1, t * 0.025));
        if ((x + row + y) % 3 === 0) {
          pen.fillRect(px + shift * t * 0.8, py + (row * t) / 2, Math.max(1, t * 0.025), t / 2);
        }
      }
      break;
    }
    case "carpet": {
      pen.fillStyle = style.floorAlt;
      for (let i = 0; i < 5; i++) {
        const a = grain(x * 5 + i, y * 3);
        const b = grain(x * 3, y * 5 + i);
        pen.fillRect(px + a * t, py + b * t, t * 0.06, t * 0.06);
      }
      if ((x + y) % 2 === 0) {
        pen.globalAlpha = 0.35;
        pen.fillRect(px, py, t, t);
        pen.globalAlpha = 1;
      }
      break;
    }
    case "tiles": {
      if ((x + y) % 2 === 0) {
        pen.fillStyle = style.floorAlt;
        pen.fillRect(px, py, t, t);
      }
      pen.strokeStyle = style.line;
      pen.lineWidth = Math.max(1, t * 0.03);
      pen.strokeRect(px, py, t, t);
      break;
    }
    case "rug": {
      pen.fillStyle = g > 0.5 ? style.floorAlt : style.floor;
      pen.fillRect(px, py, t, t);
      pen.strokeStyle = style.line;
      pen.lineWidth = Math.max(1, t * 0.03);
      pen.beginPath();
      pen.moveTo(px + t / 2, py + t * 0.15);
      pen.lineTo(px + t * 0.85, py + t / 2);
      pen.lineTo(px + t / 2, py + t * 0.85);
      pen.lineTo(px + t * 0.15, py + t / 2);
      pen.closePath();
      pen.stroke();
      break;
    }
  }
}

/** A threshold where the floor of one zone meets another's: that is where a walk changes the zone. */
function thresholds(pen: Pen, grid: Grid, x: number, y: number, t: number): void {
  const here = grid.zoneIdAt(x, y);
  const accent = (id: string) => zoneStyle(grid.zone(id)?.zone_type ?? "OpenArea").accent;
  const strip = (x0: number, y0: number, w: number, h: number, id: string) => {
    pen.globalAlpha = 0.55;
    pen.fillStyle = accent(id);
    pen.fillRect(x0, y0, w, h);
    pen.globalAlpha = 1;
  };
  const notSpawn = (a: string, b: string) => (a === grid.spawnZone ? b : a);
  const wide = t * 0.09;
  if (!grid.isWall(x + 1, y)) {
    const east = grid.zoneIdAt(x + 1, y);
    if (east !== here) strip((x + 1) * t - wide / 2, y * t, wide, t, notSpawn(here, east));
  }
  if (!grid.isWall(x, y + 1)) {
    const south = grid.zoneIdAt(x, y + 1);
    if (south !== here) strip(x * t, (y + 1) * t - wide / 2, t, wide, notSpawn(here, south));
  }
}

function wallTile(pen: Pen, grid: Grid, x: number, y: number, t: number): void {
  const { wall, beyond } = theme();
  const px = x * t;
  const py = y * t;
  const open = (dx: number, dy: number) => grid.inside(x + dx, y + dy) && !grid.isWall(x + dx, y + dy);
  const near = [-1, 0, 1].some((dx) => [-1, 0, 1].some((dy) => open(dx, dy)));
  if (!near) {
    pen.fillStyle = beyond;
    pen.fillRect(px, py, t + 1, t + 1);
    return;
  }
  const capHeight = open(0, 1) ? t * 0.5 : t + 1;
  pen.fillStyle = wall.cap;
  pen.fillRect(px, py, t + 1, capHeight);
  if (open(0, 1)) {
    const face = pen.createLinearGradient(0, py + capHeight, 0, py + t);
    face.addColorStop(0, wall.face);
    face.addColorStop(1, wall.faceLow);
    pen.fillStyle = face;
    pen.fillRect(px, py + capHeight, t + 1, t - capHeight);
    pen.fillStyle = wall.capEdge;
    pen.fillRect(px, py + capHeight - t * 0.05, t + 1, t * 0.05);
    pen.fillStyle = wall.outline;
    pen.fillRect(px, py + t - t * 0.05, t + 1, t * 0.05);
  }
  pen.fillStyle = wall.capEdge;
  const edge = t * 0.06;
  if (open(0, -1)) pen.fillRect(px, py, t + 1, edge);
  if (open(-1, 0)) pen.fillRect(px, py, edge, capHeight);
  if (open(1, 0)) pen.fillRect(px + t - edge, py, edge, capHeight);
}

/** Soft shadows that walls throw on the floor to their south and east: they make the rooms readable. */
function shadows(pen: Pen, grid: Grid, x: number, y: number, t: number): void {
  const [r, g, b, strength] = theme().shadow;
  const shade = (alpha: number) => `rgba(${r}, ${g}, ${b}, ${alpha * strength})`;
  if (grid.isWall(x, y - 1)) {
    const fall = pen.createLinearGradient(0, y * t, 0, y * t + t * 0.45);
    fall.addColorStop(0, shade(0.42));
    fall.addColorStop(1, shade(0));
    pen.fillStyle = fall;
    pen.fillRect(x * t, y * t, t, t * 0.45);
  }
  if (grid.isWall(x - 1, y)) {
    const fall = pen.createLinearGradient(x * t, 0, x * t + t * 0.3, 0);
    fall.addColorStop(0, shade(0.28));
    fall.addColorStop(1, shade(0));
    pen.fillStyle = fall;
    pen.fillRect(x * t, y * t, t * 0.3, t);
  }
}

function zoneNames(pen: Pen, grid: Grid, t: number): void {
  for (const zone of grid.world.zones) {
    const area = [...zone.areas].sort((a, b) => b.width * b.height - a.width * a.height)[0];
    if (!area) continue;
    const style = zoneStyle(zone.zone_type);
    const size = Math.min(t * 0.62, (area.width * t * 1.5) / Math.max(6, zone.name.length));
    // Areas are often drawn over the walls around a room: find the first row inside that is open floor.
    let row = Math.floor(area.y);
    while (row < area.y + area.height - 1 && grid.isWall(area.x + area.width / 2, row)) row++;
    let column = Math.floor(area.x);
    // Beside what stands in the corner, not under it.
    const taken = (x: number) => grid.isWall(x, row) || grid.objectAt(x, row) !== undefined;
    while (column < area.x + area.width - 1 && taken(column)) column++;
    const x = (column + 0.35) * t;
    const y = (row + 0.28) * t;
    pen.textBaseline = "top";
    pen.textAlign = "left";
    pen.globalAlpha = 0.8;
    pen.fillStyle = style.accent;
    pen.font = `700 ${size}px "Inter", system-ui, sans-serif`;
    pen.fillText(zone.name, x, y);
    pen.globalAlpha = 0.5;
    pen.font = `500 ${size * 0.55}px "Inter", system-ui, sans-serif`;
    const seats = zone.capacity ? ` · up to ${zone.capacity}` : "";
    const lock = zone.roles?.length ? " · by role" : "";
    pen.fillText(`${style.label}${seats}${lock}`, x, y + size * 1.12);
    pen.globalAlpha = 1;
  }
}

/** A rug under each low table of an open area, so that one sees which seats belong together. */
function rugs(pen: Pen, grid: Grid, t: number): void {
  for (const object of grid.world.objects) {
    if (object.kind.toLowerCase() !== "table" || grid.zone(object.zone_id)?.zone_type !== "OpenArea") continue;
    const style = zoneStyle("PrivateRoom");
    const left = Math.max(0, Math.floor(object.position.x) - 1.45);
    const right = Math.min(grid.width, Math.floor(object.position.x) + 2.45);
    // Not under the wall that a table stands at.
    const x = grid.isWall(left, object.position.y) ? Math.ceil(left) : left;
    const width = (grid.isWall(right, object.position.y) ? Math.floor(right) : right) - x;
    const y = Math.floor(object.position.y) - 1.45;
    pen.fillStyle = style.floor;
    pen.beginPath();
    pen.roundRect(x * t, y * t, width * t, 3.9 * t, 0.4 * t);
    pen.fill();
    pen.strokeStyle = style.accent;
    pen.globalAlpha = 0.35;
    pen.lineWidth = t * 0.05;
    pen.beginPath();
    pen.roundRect((x + 0.18) * t, (y + 0.18) * t, (width - 0.36) * t, 3.54 * t, 0.3 * t);
    pen.stroke();
    pen.globalAlpha = 1;
  }
}

/** Draws what never changes once, into a picture that each frame copies from. `tile` is its size of a tile in pixels. */
export function paintGround(grid: Grid, tile: number): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  canvas.width = grid.width * tile;
  canvas.height = grid.height * tile;
  const pen = canvas.getContext("2d");
  if (!pen) return canvas;
  pen.fillStyle = theme().beyond;
  pen.fillRect(0, 0, canvas.width, canvas.height);
  const each = (draw: (pen: Pen, grid: Grid, x: number, y: number, t: number) => void, walls: boolean) => {
    for (let y = 0; y < grid.height; y++) {
      for (let x = 0; x < grid.width; x++) if (grid.isWall(x, y) === walls) draw(pen, grid, x, y, tile);
    }
  };
  each(floorTile, false);
  each(thresholds, false);
  rugs(pen, grid, tile);
  each(shadows, false);
  zoneNames(pen, grid, tile);
  each(wallTile, true);
  return canvas;
}
