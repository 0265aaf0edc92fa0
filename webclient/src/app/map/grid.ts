import type { ObjectDescription, WorldDescription, ZoneDescription } from "../../sdk";

/** A place on the map in tiles; fractions allowed, a position stands on the tile of its floor. */
export interface Point {
  x: number;
  y: number;
}

/** An edge of a zone's tile that one can walk over into another zone. */
export interface Opening extends Point {
  side: "north" | "south" | "east" | "west";
}

const SIDES = [
  ["north", 0, -1],
  ["south", 0, 1],
  ["east", 1, 0],
  ["west", -1, 0],
] as const;

/**
 * The static side of a world, indexed by tile: where one can walk and which zone a tile belongs to.
 * It answers the questions of walking and drawing; who stands where right now is not its business.
 */
export class Grid {
  readonly width: number;
  readonly height: number;
  readonly world: WorldDescription;
  readonly spawnZone: string;
  private readonly walls: Uint8Array;
  private readonly solid: Uint8Array;
  /** Index into world.zones plus one; 0 where no area covers the tile. */
  private readonly zoneAt: Uint16Array;
  private readonly zones = new Map<string, ZoneDescription>();
  private readonly objects = new Map<string, ObjectDescription>();
  private readonly byTile = new Map<number, ObjectDescription>();
  private readonly openings = new Map<string, Opening[]>();

  constructor(world: WorldDescription) {
    this.world = world;
    this.width = world.width;
    this.height = world.height;
    this.walls = new Uint8Array(world.width * world.height);
    this.solid = new Uint8Array(world.width * world.height);
    this.zoneAt = new Uint16Array(world.width * world.height);
    this.spawnZone = world.spawns[0]?.zone_id ?? world.zones[0]?.zone_id ?? "";
    for (const tile of world.collision) this.mark(this.walls, tile);
    for (const object of world.objects) {
      this.objects.set(object.object_id, object);
      this.byTile.set(this.index(object.position), object);
      if (object.solid) this.mark(this.solid, object.position);
    }
    world.zones.forEach((zone, index) => {
      this.zones.set(zone.zone_id, zone);
      for (const area of zone.areas) {
        for (let y = Math.floor(area.y); y < area.y + area.height; y++) {
          for (let x = Math.floor(area.x); x < area.x + area.width; x++) {
            if (this.inside(x, y)) this.zoneAt[y * this.width + x] = index + 1;
          }
        }
      }
    });
  }

  private mark(into: Uint8Array, { x, y }: Point): void {
    const tx = Math.floor(x);
    const ty = Math.floor(y);
    if (this.inside(tx, ty)) into[ty * this.width + tx] = 1;
  }

  inside(x: number, y: number): boolean {
    return x >= 0 && y >= 0 && x < this.width && y < this.height;
  }

  /** A wall, or outside the map. */
  isWall(x: number, y: number): boolean {
    const tx = Math.floor(x);
    const ty = Math.floor(y);
    return !this.inside(tx, ty) || this.walls[ty * this.width + tx] === 1;
  }

  /** Nobody can stand here, whoever else is about: a wall or a solid object. */
  isBlocked(x: number, y: number): boolean {
    return this.isWall(x, y) || this.solid[Math.floor(y) * this.width + Math.floor(x)] === 1;
  }

  /** The zone of a tile; a tile in no area belongs to the world's spawn zone. */
  zoneIdAt(x: number, y: number): string {
    const tx = Math.floor(x);
    const ty = Math.floor(y);
    if (!this.inside(tx, ty)) return this.spawnZone;
    const index = this.zoneAt[ty * this.width + tx] ?? 0;
    return index === 0 ? this.spawnZone : (this.world.zones[index - 1]?.zone_id ?? this.spawnZone);
  }

  zone(id: string): ZoneDescription | undefined {
    return this.zones.get(id);
  }

  object(id: string): ObjectDescription | undefined {
    return this.objects.get(id);
  }

  objectAt(x: number, y: number): ObjectDescription | undefined {
    return this.inside(Math.floor(x), Math.floor(y)) ? this.byTile.get(this.index({ x, y })) : undefined;
  }

  /** Where one walks into a zone from another: the tiles' edges between them. */
  doorways(zoneId: string): readonly Opening[] {
    let list = this.openings.get(zoneId);
    if (list) return list;
    list = [];
    for (let y = 0; y < this.height; y++) {
      for (let x = 0; x < this.width; x++) {
        if (this.isWall(x, y) || this.zoneIdAt(x, y) !== zoneId) continue;
        for (const [side, dx, dy] of SIDES) {
          if (!this.isWall(x + dx, y + dy) && this.zoneIdAt(x + dx, y + dy) !== zoneId) list.push({ x, y, side });
        }
      }
    }
    this.openings.set(zoneId, list);
    return list;
  }

  private index({ x, y }: Point): number {
    return Math.floor(y) * this.width + Math.floor(x);
  }
}
