import type { WorldDescription } from "../../sdk";

/** A world from a drawing: # wall, everything else floor; the right half of the letters names the zone. */
export function worldOf(rows: string[]): WorldDescription {
  const collision: { x: number; y: number }[] = [];
  rows.forEach((row, y) => {
    [...row].forEach((c, x) => {
      if (c === "#") collision.push({ x, y });
    });
  });
  const width = rows[0]?.length ?? 0;
  return {
    world_id: "w",
    name: "test",
    width,
    height: rows.length,
    collision,
    spawns: [{ x: 1, y: 1, zone_id: "open" }],
    zones: [
      { zone_id: "open", name: "Hall", zone_type: "OpenArea", areas: [], capacity: null, roles: null },
      {
        zone_id: "room",
        name: "Room",
        zone_type: "MeetingRoom",
        areas: [{ x: 4, y: 0, width: width - 4, height: rows.length }],
        capacity: 8,
        roles: null,
      },
    ],
    objects: [],
  } as unknown as WorldDescription;
}
